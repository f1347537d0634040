import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScorerRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { createProgress } from '../command-line/progress.ts';
import { startAzurite } from '../local-services/azurite.ts';
import type { Starter } from './cold-start.ts';
import { startFunctionApps } from './functions.ts';
import { type Growth, measureGrowth } from './growth.ts';
import { type Load, startLoad } from './load.ts';
import {
  bareProxyProgram,
  freePort,
  type Program,
  portkeyProgram,
  type Server,
  startServer,
  startSimulatorServer,
} from './servers.ts';
import { embeddedSettings, makeStage, routerProgram, routerSettings, type Stage } from './stage.ts';
import { directTarget, portkeyTarget, routerTarget, type Target } from './targets.ts';

/** Everything that is measured, already running. */
export type Scene = {
  readonly load: Load;
  readonly targets: readonly Target[];
  readonly starters: readonly Starter[];
  readonly measureGrowth: (rounds: number) => Promise<Growth[]>;
};

/** The most connections that the emulator of the table service can take. */
const MAX_WITH_TABLE = 16;

/** Collects what was started, to be ended after use. */
type Starting = {
  readonly folder: string;
  readonly stage: Stage;
  started<T extends { close(): unknown }>(starting: Promise<T>): Promise<T>;
  start(program: (port: number) => Program): Promise<Server>;
};

/** Starts everything, and ends it after `use`. */
export async function withScene(use: (scene: Scene) => Promise<void>): Promise<void> {
  await withStage(async (starting) => use(await startScene(starting)));
}

/** Does the same for the router and direct only. The load never depends on what is installed. */
export async function withBasics(
  use: (basics: Pick<Scene, 'load' | 'targets'>) => Promise<void>,
): Promise<void> {
  await withStage(async (starting) => use(await startBasics(starting, false)));
}

async function withStage(use: (starting: Starting) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'smart-router-bench-'));
  const closing: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  const started: Starting['started'] = async (starting) => {
    const one = await starting;
    closing.unshift(() => one.close());
    return one;
  };
  const start: Starting['start'] = async (program) => {
    const port = await freePort();
    return started(startServer(port, program(port)));
  };
  try {
    console.error('Packaging the app ...');
    const stage = await makeStage(folder);
    console.error('Starting what is measured ...');
    await use({ folder, stage, started, start });
  } finally {
    for (const close of closing) await close();
  }
}

async function startBasics({ stage, started, start }: Starting, mayUseWrk: boolean) {
  const { url: simulatorUrl } = await started(startSimulatorServer());
  const settings = routerSettings(simulatorUrl);
  const embedded = { ...settings, ...embeddedSettings(stage) };
  const router = (env: Program['env']) => start((port) => routerProgram(stage, port, env));
  const local = await router(settings);
  const inMemory = await router(embedded);
  const load = await started(startLoad(mayUseWrk));
  console.error(`Plain requests are sent by ${load.by}.`);
  const targets = [
    directTarget(simulatorUrl),
    routerTarget('router, LRU', inMemory),
    routerTarget('router, local', local),
  ];
  return { load, targets, simulatorUrl, settings, embedded, router };
}

async function startScene(starting: Starting): Promise<Scene> {
  const { folder, stage, started, start } = starting;
  const basics = await startBasics(starting, true);
  const { load, simulatorUrl, settings, embedded, router } = basics;
  const azurite = await started(startAzurite());
  const tables = { TABLES_CONNECTION_STRING: azurite.connectionString };
  const inTable = await router({ ...embedded, ...tables, EMBEDDING_CACHE_ENTRIES: '1' });
  const grown = await router({
    ...settings,
    ...tables,
    UPSTREAM_KEY_SIMULATED: 'key-of-the-simulator',
    REGISTRY_TABLE: 'grown',
  });
  const portkey = await start((port) => portkeyProgram(port, folder));
  const direct = directTarget(simulatorUrl);
  const bare = await start((port) => bareProxyProgram(port, direct.url, folder));
  const functions = await started(startFunctionApps(folder, stage.appFolder, embedded));
  const beside = portkeyTarget(portkey, simulatorUrl);
  return {
    load,
    targets: [
      ...basics.targets,
      routerTarget('router, table', inTable, MAX_WITH_TABLE),
      beside,
      { ...direct, name: 'bare proxy', url: bare.url, server: bare },
      ...functions.targets,
    ],
    starters: [
      starterOf(routerTarget('router', grown), (port) => routerProgram(stage, port, settings)),
      starterOf(beside, (port) => portkeyProgram(port, folder)),
    ],
    measureGrowth: async (rounds) => {
      const progress = createProgress({ label: 'Growth', unit: 'turns' });
      const models = await modelsOf(stage);
      const found = await measureGrowth({ url: grown.url, simulatorUrl, rounds, progress, models });
      progress.end();
      return found;
    },
  };
}

function starterOf({ name, url, headers, bodies }: Target, program: Starter['program']): Starter {
  return { name, program, path: new URL(url).pathname, headers, body: bodies(false)[0] ?? '' };
}

/** Returns the models of the packaged scorer. */
async function modelsOf({ appFolder }: Stage): Promise<readonly string[]> {
  const text = await readFile(join(appFolder, 'models/registry.json'), 'utf8');
  const { scorers } = JSON.parse(text) as ScorerRegistry;
  return scorers.find(({ id }) => id === 'local')?.models ?? [];
}
