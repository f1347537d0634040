import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pickPort } from './pick-port.ts';

export type Azurite = {
  /** For blobs and tables. */
  readonly connectionString: string;
  readonly pid: number;
  close(): Promise<void>;
};

type AzuriteOptions = {
  /** Where the data is kept; absent: in memory, for as long as it runs. */
  readonly dataFolder?: string;
  /** Azurite's usual ports when they are free, else free ones. */
  readonly preferUsualPorts?: boolean;
  /** Of an Azurite that is to take another one's place: this port for tables, and no other. */
  readonly tablePort?: number;
};

// The account that Azurite makes for everybody; its key is in its documentation.
const ACCOUNT = 'devstoreaccount1';
const ACCOUNT_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Blobs, queues, tables. */
const USUAL_PORTS = [10_000, 10_001, 10_002];

const START_MS = 60_000;
const AZURITE = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js');

/** Azurite itself would outlive a parent that was killed, and keep its ports. */
const END_WITH_PARENT =
  'data:text/javascript,process.on("disconnect",()=>process.exit());process.channel.unref()';

/** Starts Azure Storage's emulator on 127.0.0.1. Throws with what it said when it does not start. */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const { dataFolder, preferUsualPorts = false, tablePort } = options;
  if (tablePort !== undefined) return startOn([0, 0, tablePort], dataFolder);
  const usual = preferUsualPorts ? await Promise.all(USUAL_PORTS.map(pickPort)) : [];
  if (usual.length === 0) return startOn([0, 0, 0], dataFolder);
  // Somebody may have taken a port between the look and the start.
  return startOn(usual, dataFolder).catch(() => startOn([0, 0, 0], dataFolder));
}

async function startOn(ports: readonly number[], dataFolder?: string): Promise<Azurite> {
  const child = fork(AZURITE, azuriteArguments(ports, dataFolder), {
    execArgv: ['--import', END_WITH_PARENT],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
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
      // Data on disk wants to be written; in memory there is nothing to lose by a quick end.
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

/** Azurite says where it listens, one service a line. */
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
