import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Simulator, startSimulator } from '../upstream-simulator/simulator.ts';
import { type Azurite, startAzurite } from './azurite.ts';
import { pickPort } from './pick-port.ts';

type Settings = Readonly<Record<string, string | undefined>>;

export type LocalServices = {
  /** The given settings, and those that point the app to the started services. */
  readonly settings: Settings;
  /** Absent when the settings name real deployments. */
  readonly simulatorUrl?: string;
  /** Connection string of Azurite; absent when the settings name other tables. */
  readonly azurite?: string;
  close(): Promise<void>;
};

/** The ports at which the sample settings expect the simulator and Azurite: both are started here. */
const SIMULATOR_PORT = 7072;
const SAMPLE_ENDPOINT = `http://127.0.0.1:${SIMULATOR_PORT}`;
const SAMPLE_TABLES = 'UseDevelopmentStorage=true';
const SAMPLE_VECTORS = ':memory:';

/**
 * Starts the services that the app's settings do not name: Azurite when no tables are configured, and
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
    // Access without authentication is only for local use: it is refused once authentication is configured.
    ...(!DOORS.some((name) => isNamed(name)) && { ROUTER_AUTH: 'none' }),
    // Without it, requests with headers above 16 KB would hang, here as in Azure.
    languageWorkers__node__arguments: '--max-http-header-size=65536',
  };
  const hasVectors = isNamed('AI_SEARCH_ENDPOINT') || isNamed('VECTOR_STORE_FILE', SAMPLE_VECTORS);
  const started = {
    ...(azurite && !hasVectors && { VECTOR_STORE_FILE: vectorsBeside(dataFolder) }),
    ...(simulator && { AZURE_OPENAI_ENDPOINT: simulator.url }),
    ...(azurite && { TABLES_CONNECTION_STRING: azurite.connectionString }),
    // The real host keeps the locks of its timers there.
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

/** Keeps vectors in the folder of the tables; in memory if the tables are. */
function vectorsBeside(dataFolder: string | undefined): string {
  return dataFolder === undefined ? SAMPLE_VECTORS : join(dataFolder, 'vectors.sqlite');
}

async function startSimulatorNearby(): Promise<Simulator> {
  const port = await pickPort(SIMULATOR_PORT);
  // Another process may have taken the port between the check and the start.
  return startSimulator({ port }).catch(() => startSimulator());
}

/** Settings that require authentication. */
const DOORS = ['ROUTER_API_KEYS', 'ENTRA_TENANT_ID', 'FRONT_DOOR'];

/** The key for the simulator, which accepts any key. */
const SIMULATOR_KEY = 'key-of-the-simulator';

/**
 * The simulator's default deployments, their models, and the models' prices (USD per million tokens,
 * list prices of August 2026).
 */
const SIMULATED = {
  STRONG: { name: 'strong', model: 'gpt-5.6-sol', price: '4/20' },
  WEAK: { name: 'weak', model: 'gpt-5.6-luna', price: '0.2/1.2' },
  EMBEDDING: { name: 'embedding', model: 'text-embedding-3-small', price: undefined },
} as const;

/** Returns settings that name the simulator's deployments, except for deployments that are already named. */
export function simulatorSettings(url: string, given: Settings = {}): Settings {
  const settings: Record<string, string> = {
    AZURE_OPENAI_ENDPOINT: url,
    AZURE_OPENAI_API_KEY: SIMULATOR_KEY,
  };
  for (const [prefix, { name, model, price }] of Object.entries(SIMULATED)) {
    // The user's own deployment must not get the simulator's model.
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

/** Reads the values of local.settings.json like Core Tools; returns none when there is no such file. */
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
