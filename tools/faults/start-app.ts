import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeRouteLlmWeights } from '../../test/fakes/routellm-weights.ts';
import { type Azurite, startAzurite } from '../local-services/azurite.ts';
import { simulatorSettings } from '../local-services/local-services.ts';
import { type StorageManner, startStorageProxy } from '../local-services/storage-proxy.ts';
import { type SimulatorProcess, startSimulatorProcess } from './simulator-process.ts';
import { INSPECTOR, measureMemory, type WorkerMemory } from './worker-memory.ts';

type Settings = Readonly<Record<string, string>>;

/** The table service, in a process that can be killed. */
type Tables = {
  readonly connectionString: string;
  kill(): Promise<void>;
  close(): Promise<void>;
  /** Restarts the service at the same address, without data. */
  restart(): Promise<void>;
  /** Makes the service accept connections without answering, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Makes it answer in this manner from now on. */
  behave(manner: StorageManner): void;
};

/** The services that the app needs, each in its own process. */
export type Services = {
  readonly simulator: SimulatorProcess;
  readonly tables: Tables;
  /** A folder with a scorer that needs an embedding deployment, so that the cache is used. */
  readonly modelsFolder: string;
  close(): Promise<void>;
};

export type App = {
  readonly url: string;
  /** Returns how often the worker has ended and been restarted. */
  restarts(): number;
  /** Returns the number of internal errors in the app's log. */
  internalErrors(): number;
  memory(): Promise<WorkerMemory>;
  close(): Promise<void>;
};

const MAX_QUOTED_CHARACTERS = 2_000;
const root = fileURLToPath(new URL('../..', import.meta.url));

export async function startServices(): Promise<Services> {
  const modelsFolder = await mkdtemp(join(tmpdir(), 'smart-router-faults-'));
  const [simulator, tables] = await Promise.all([
    startSimulatorProcess(),
    startTables(),
    importWeights(modelsFolder),
  ]);
  return {
    simulator,
    tables,
    modelsFolder,
    close: async () => {
      await Promise.all([simulator.kill(), tables.close(), rm(modelsFolder, { recursive: true })]);
    },
  };
}

/** Starts the built app in the local host, with the services' settings and the given ones. */
export async function startApp(services: Services, settings: Settings): Promise<App> {
  const child = fork(fileURLToPath(new URL('./host-child.ts', import.meta.url)), {
    env: {
      PATH: process.env['PATH'],
      ...simulatorSettings(services.simulator.url),
      TABLES_CONNECTION_STRING: services.tables.connectionString,
      MODELS_FOLDER: services.modelsFolder,
      ROUTER_SCORER: 'measured',
      ROUTER_AUTH: 'none',
      LOG_LEVEL: 'error',
      languageWorkers__node__arguments: '--max-http-header-size=65536 --inspect=127.0.0.1:0',
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const seen = watchOutput(child);
  const exited = once(child, 'exit');
  const url = await Promise.race([once(child, 'message'), exited]).then(([first]) => String(first));
  if (!URL.canParse(url)) throw new Error(`The app did not start: ${seen.last()}`);
  return {
    url,
    restarts: () => seen.inspectors.length - 1,
    internalErrors: seen.internalErrors,
    memory: () => measureMemory(seen.inspectors.at(-1) ?? ''),
    close: async () => {
      child.send('close');
      await exited;
    },
  };
}

/** Reads the output of the host and its worker: the inspectors' addresses, and errors. */
function watchOutput({ stderr }: ChildProcess) {
  const inspectors: string[] = [];
  let internalErrors = 0;
  let last = '';
  if (stderr !== null) {
    createInterface({ input: stderr }).on('line', (line) => {
      const [, url] = INSPECTOR.exec(line) ?? [];
      if (url !== undefined) inspectors.push(url);
      if (line.includes('internal-error')) internalErrors += 1;
      last = `${last}\n${line}`.slice(-MAX_QUOTED_CHARACTERS);
    });
  }
  return { inspectors, internalErrors: () => internalErrors, last: () => last };
}

async function startTables(): Promise<Tables> {
  let azurite = await startAzurite();
  const tablePort = Number(/TableEndpoint=[^;]*:(\d+)/.exec(azurite.connectionString)?.[1]);
  const proxy = await startStorageProxy(azurite.connectionString);
  let isRunning = true;
  return {
    connectionString: proxy.connectionString,
    behave: proxy.behave,
    kill: async () => {
      if (isRunning) await azurite.close();
      isRunning = false;
    },
    close: async () => {
      if (isRunning) await azurite.close();
      await proxy.close();
    },
    restart: async () => {
      azurite = await startAzurite({ tablePort });
      isRunning = true;
    },
    freeze: () => signal(azurite, 'SIGSTOP'),
    thaw: () => signal(azurite, 'SIGCONT'),
  };
}

/** Sends a signal. Windows cannot suspend a process: there the table service keeps running. */
function signal({ pid }: Azurite, name: 'SIGSTOP' | 'SIGCONT'): void {
  if (process.platform !== 'win32') process.kill(pid, name);
}

/** Imports made-up weights in RouteLLM's layout. */
async function importWeights(modelsFolder: string): Promise<void> {
  const weights = join(modelsFolder, 'model.safetensors');
  await writeRouteLlmWeights(weights, { seed: 1 });
  await promisify(execFile)(process.execPath, [
    join(root, 'tools/run.mjs'),
    'model-import',
    weights,
    ...['--embedder', 'azure-openai/text-embedding-3-small', '--id', 'measured'],
    ...['--models-folder', modelsFolder],
  ]);
}
