import { readFile } from 'node:fs/promises';
import { type Simulator, startSimulator } from '../upstream-simulator/simulator.ts';
import { startAzurite } from './azurite.ts';
import { pickPort } from './pick-port.ts';

type Settings = Readonly<Record<string, string | undefined>>;

export type LocalServices = {
  /** The given settings, and those that point the app to what was started. */
  readonly settings: Settings;
  /** Absent: the settings name real deployments. */
  readonly simulatorUrl?: string;
  close(): Promise<void>;
};

/** Where the sample settings look for the simulator and for Azurite: they mean what is started here. */
const SIMULATOR_PORT = 7072;
const SAMPLE_ENDPOINT = `http://127.0.0.1:${SIMULATOR_PORT}`;
const SAMPLE_TABLES = 'UseDevelopmentStorage=true';

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
  const needsSimulator = !isNamed('AZURE_OPENAI_ENDPOINT', SAMPLE_ENDPOINT);
  const needsAzurite =
    !isNamed('TABLES_ENDPOINT') && !isNamed('TABLES_CONNECTION_STRING', SAMPLE_TABLES);
  const [simulator, azurite] = await Promise.all([
    needsSimulator ? startSimulatorNearby() : undefined,
    needsAzurite
      ? startAzurite({ preferUsualPorts: true, ...(dataFolder !== undefined && { dataFolder }) })
      : undefined,
  ]);
  const defaults = {
    ...(simulator && SIMULATOR_SETTINGS),
    // Only for the one who started it: it is refused as soon as there are keys.
    ...(!isNamed('ROUTER_API_KEYS') && { ROUTER_AUTH: 'none' }),
    // Headers above 16 KB would hang, here as in Azure.
    languageWorkers__node__arguments: '--max-http-header-size=65536',
  };
  const started = {
    ...(simulator && { AZURE_OPENAI_ENDPOINT: simulator.url }),
    ...(azurite && { TABLES_CONNECTION_STRING: azurite.connectionString }),
  };
  return {
    settings: { ...defaults, ...withoutEmpty(given), ...started },
    ...(simulator && { simulatorUrl: simulator.url }),
    close: async () => {
      await Promise.all([simulator?.close(), azurite?.close()]);
    },
  };
}

async function startSimulatorNearby(): Promise<Simulator> {
  const port = await pickPort(SIMULATOR_PORT);
  // Somebody may have taken it between the look and the start.
  return startSimulator({ port }).catch(() => startSimulator());
}

/** The deployments that the simulator has unless told otherwise. */
const SIMULATOR_SETTINGS: Settings = {
  AZURE_OPENAI_API_KEY: 'simulated',
  STRONG_DEPLOYMENT: 'strong',
  STRONG_MODEL: 'gpt-5.6-sol',
  WEAK_DEPLOYMENT: 'weak',
  WEAK_MODEL: 'gpt-5.6-luna',
  EMBEDDING_DEPLOYMENT: 'embedding',
  EMBEDDING_MODEL: 'text-embedding-3-small',
};

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
