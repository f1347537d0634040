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

/** Where the sample settings look for the simulator. */
const SIMULATOR_PORT = 7072;

/**
 * Starts beside the app whatever its settings do not name: Azurite when no tables are configured,
 * simulated deployments when no endpoint is.
 */
export async function startLocalServices(
  given: Settings,
  dataFolder?: string,
): Promise<LocalServices> {
  const isNamed = (name: string) => (given[name] ?? '') !== '';
  const needsSimulator = !isNamed('AZURE_OPENAI_ENDPOINT');
  const needsAzurite = !isNamed('TABLES_ENDPOINT') && !isNamed('TABLES_CONNECTION_STRING');
  const [simulator, azurite] = await Promise.all([
    needsSimulator ? startSimulatorNearby() : undefined,
    needsAzurite
      ? startAzurite({ preferUsualPorts: true, ...(dataFolder !== undefined && { dataFolder }) })
      : undefined,
  ]);
  const added = {
    ...(simulator && simulatorSettings(simulator.url)),
    ...(azurite && { TABLES_CONNECTION_STRING: azurite.connectionString }),
    // Only for the one who started it: it is refused as soon as there are keys.
    ...(!isNamed('ROUTER_API_KEYS') && { ROUTER_AUTH: 'none' }),
  };
  return {
    settings: { ...added, ...withoutEmpty(given) },
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
function simulatorSettings(url: string): Settings {
  return {
    AZURE_OPENAI_ENDPOINT: url,
    AZURE_OPENAI_API_KEY: 'simulated',
    STRONG_DEPLOYMENT: 'strong',
    STRONG_MODEL: 'gpt-5.6-sol',
    WEAK_DEPLOYMENT: 'weak',
    WEAK_MODEL: 'gpt-5.6-luna',
    EMBEDDING_DEPLOYMENT: 'embedding',
    EMBEDDING_MODEL: 'text-embedding-3-small',
  };
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
