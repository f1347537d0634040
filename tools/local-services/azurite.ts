import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pickPort } from './pick-port.ts';

export type Azurite = {
  /** The connection string for blobs and tables. */
  readonly connectionString: string;
  readonly pid: number;
  close(): Promise<void>;
};

type AzuriteOptions = {
  /** The folder for the data (default: in memory, until it ends). */
  readonly dataFolder?: string;
  /** Whether Azurite's usual ports are used when they are free. */
  readonly preferUsualPorts?: boolean;
  /** The required port for tables, for an Azurite that replaces another one. */
  readonly tablePort?: number;
};

// The default account of every Azurite; its key is in its documentation.
const ACCOUNT = 'devstoreaccount1';
const ACCOUNT_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** The ports for blobs, queues and tables. */
const USUAL_PORTS = [10_000, 10_001, 10_002];

const START_MS = 60_000;
const AZURITE = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js');

/** Without this script Azurite would outlive a killed parent, and keep its ports. */
const END_WITH_PARENT =
  'data:text/javascript,process.on("disconnect",()=>process.exit());process.channel.unref()';

/** Starts Azure Storage's emulator on 127.0.0.1. When it does not start, throws an error with its output. */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const { dataFolder, preferUsualPorts = false, tablePort } = options;
  if (tablePort !== undefined) return startOn([0, 0, tablePort], dataFolder);
  const usual = preferUsualPorts ? await Promise.all(USUAL_PORTS.map(pickPort)) : [];
  if (usual.length === 0) return startOn([0, 0, 0], dataFolder);
  // Another process may have taken a port between the check and the start.
  return startOn(usual, dataFolder).catch(() => startOn([0, 0, 0], dataFolder));
}

async function startOn(ports: readonly number[], dataFolder?: string): Promise<Azurite> {
  const child = fork(AZURITE, azuriteArguments(ports, dataFolder), {
    execArgv: ['--import', END_WITH_PARENT],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A terminal's Ctrl+C would end it before those that write to it.
    detached: true,
    windowsHide: true,
  });
  const exited = once(child, 'exit');
  const [blobPort, tablePort] = await readPorts(child, exited).catch((error: unknown) => {
    child.kill();
    throw error;
  });
  return {
    connectionString: [
      'DefaultEndpointsProtocol=http',
      `AccountName=${ACCOUNT}`,
      `AccountKey=${ACCOUNT_KEY}`,
      `BlobEndpoint=http://127.0.0.1:${blobPort}/${ACCOUNT}`,
      `TableEndpoint=http://127.0.0.1:${tablePort}/${ACCOUNT}`,
    ].join(';'),
    pid: child.pid ?? 0,
    close: async () => {
      // Data on disk must still be written; in memory a kill loses nothing.
      child.kill(dataFolder === undefined ? 'SIGKILL' : 'SIGINT');
      await exited;
    },
  };
}

function azuriteArguments(ports: readonly number[], dataFolder?: string): string[] {
  const [blob, queue, table] = ports;
  return [
    ...(dataFolder === undefined ? ['--inMemoryPersistence'] : ['--location', dataFolder]),
    ...['--silent', '--disableTelemetry', '--skipApiVersionCheck'],
    ...['--blobPort', String(blob), '--queuePort', String(queue), '--tablePort', String(table)],
  ];
}

/** Reads the ports from Azurite's output, which has one line for each service. */
async function readPorts(
  { stdout, stderr }: ChildProcess,
  exited: Promise<unknown>,
): Promise<readonly [string, string]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly [string, string]>();
  let output = '';
  function look(chunk: unknown): void {
    output += String(chunk);
    const [blob, table] = ['Blob', 'Table'].map(
      (service) =>
        new RegExp(`${service} service is successfully listening at http://[^ ]+:(\\d+)`).exec(
          output,
        )?.[1],
    );
    if (blob !== undefined && table !== undefined) resolve([blob, table]);
  }
  stdout?.on('data', look);
  stderr?.on('data', look);
  void exited.then(() => reject(new Error(`Azurite did not start: ${output}`)));
  const timer = setTimeout(() => reject(new Error(`Azurite did not start: ${output}`)), START_MS);
  return promise.finally(() => clearTimeout(timer));
}
