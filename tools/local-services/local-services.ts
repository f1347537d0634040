import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Simulator, startSimulator } from '../upstream-simulator/simulator.ts';
import { type Azurite, startAzurite } from './azurite.ts';
import { pickPort } from './pick-port.ts';

type Settings = Readonly<Record<string, string | undefined>>;

export type LocalServices = {
  /** The given settings, and those that point the app to what was started. */
  readonly settings: Settings;
  /** Absent: the settings name real deployments. */
  readonly simulatorUrl?: string;
  /** Connection string of Azurite; absent: the settings name other tables. */
  readonly azurite?: string;
  close(): Promise<void>;
};

/** Where the sample settings look for the simulator and for Azurite: they mean what is started here. */
const SIMULATOR_PORT = 7072;
const SAMPLE_ENDPOINT = `http://127.0.0.1:${SIMULATOR_PORT}`;
const SAMPLE_TABLES = 'UseDevelopmentStorage=true';
const SAMPLE_VECTORS = ':memory:';

/**
 * Starts beside the app whatever its settings do not name: Azurite when no tables are configured,
 * simulated deployments when no endpoint is.
 */
export async function startLocalServices(
  given: Settings,
  dataFolder?: string,
): Promise<LocalServices> {
  const isNamed = (name: string, sample?: string) =>
    (given[name] ?? '') !== '' && given[name] !== sample;
  const hasDeployments = isNamed('AZURE_OPENAI_ENDPOINT', SAMPLE_ENDPOINT);
  const hasTables =
    isNamed('TABLES_ENDPOINT') || isNamed('TABLES_CONNECTION_STRING', SAMPLE_TABLES);
  const [simulator, azurite] = await Promise.all([
    hasDeployments ? undefined : startSimulatorNearby(),
    hasTables ? undefined : startTables(dataFolder),
  ]);
  const defaults = {
    ...(simulator && simulatorSettings(simulator.url, given)),
    // Only for the one who started it: it is refused as soon as somebody is asked who they are.
    ...(!DOORS.some((name) => isNamed(name)) && { ROUTER_AUTH: 'none' }),
    // Headers above 16 KB would hang, here as in Azure.
    languageWorkers__node__arguments: '--max-http-header-size=65536',
  };
  const hasVectors = isNamed('AI_SEARCH_ENDPOINT') || isNamed('VECTOR_STORE_FILE', SAMPLE_VECTORS);
  const started = {
    ...(azurite && !hasVectors && { VECTOR_STORE_FILE: vectorsBeside(dataFolder) }),
    ...(simulator && { AZURE_OPENAI_ENDPOINT: simulator.url }),
    ...(azurite && { TABLES_CONNECTION_STRING: azurite.connectionString }),
    // Where the real host keeps whose turn a timer is.
    ...(azurite && { AzureWebJobsStorage: azurite.connectionString }),
  };
  return {
    settings: { ...defaults, ...withoutEmpty(given), ...started },
    ...(simulator && { simulatorUrl: simulator.url }),
    ...(azurite && { azurite: azurite.connectionString }),
    close: async () => {
      await Promise.all([simulator?.close(), azurite?.close()]);
    },
  };
}

function startTables(dataFolder: string | undefined): Promise<Azurite> {
  return startAzurite({ preferUsualPorts: true, ...(dataFolder !== undefined && { dataFolder }) });
}

/** Where the tables are kept, or in memory as they are. */
function vectorsBeside(dataFolder: string | undefined): string {
  return dataFolder === undefined ? SAMPLE_VECTORS : join(dataFolder, 'vectors.sqlite');
}

async function startSimulatorNearby(): Promise<Simulator> {
  const port = await pickPort(SIMULATOR_PORT);
  // Somebody may have taken it between the look and the start.
  return startSimulator({ port }).catch(() => startSimulator());
}

/** Each of them closes the door. */
const DOORS = ['ROUTER_API_KEYS', 'ENTRA_TENANT_ID', 'FRONT_DOOR'];

/** The key that the simulator is shown: it takes any. */
const SIMULATOR_KEY = 'key-of-the-simulator';

/**
 * The deployments that the simulator has unless told otherwise, the models behind them, and what
 * those cost (USD per million tokens, list prices of August 2026).
 */
const SIMULATED = {
  STRONG: { name: 'strong', model: 'gpt-5.6-sol', price: '4/20' },
  WEAK: { name: 'weak', model: 'gpt-5.6-luna', price: '0.2/1.2' },
  EMBEDDING: { name: 'embedding', model: 'text-embedding-3-small', price: undefined },
} as const;

/** Settings that name the simulator's deployments, but for those that are named already. */
export function simulatorSettings(url: string, given: Settings = {}): Settings {
  const settings: Record<string, string> = {
    AZURE_OPENAI_ENDPOINT: url,
    AZURE_OPENAI_API_KEY: SIMULATOR_KEY,
  };
  for (const [prefix, { name, model, price }] of Object.entries(SIMULATED)) {
    // A deployment of the user's own must not be told to be the simulator's model.
    if ((given[`${prefix}_DEPLOYMENT`] ?? '') !== '') continue;
    settings[`${prefix}_DEPLOYMENT`] = name;
    settings[`${prefix}_MODEL`] = model;
    if (price !== undefined) settings[`${prefix}_PRICE`] = price;
  }
  return settings;
}

function withoutEmpty(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== ''));
}

/** The values of local.settings.json, as core tools reads them; none when there is no such file. */
export async function readLocalSettings(path: string): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return {};
  }
  const { Values: values } = JSON.parse(text) as { Values?: Record<string, string> };
  return values ?? {};
}
