import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../shared/base/errors.ts';
import { findScorer, loadRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { loadConfig } from '../../shared/settings/config.ts';
import { PUBLISHED } from '../azure/planned-scorer.ts';
import { ofType, type Snapshot, valueAt } from './snapshot.ts';

export type Settings = Readonly<Record<string, string>>;

/** Returns the function app's settings, or undefined if it has none. */
export function settingsOf(snapshot: Snapshot): Settings | undefined {
  const config = ofType(snapshot, 'Microsoft.Web/sites/config').find(({ name }) =>
    name.endsWith('/appsettings'),
  );
  const properties = valueAt(config, 'properties');
  if (typeof properties !== 'object' || properties === null) return undefined;
  return Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, String(one)]));
}

/**
 * Finds the names of the settings that the app's configuration reads. It runs the configuration
 * with every value that makes it read further settings, and none that lets it stop early.
 */
export async function findReadSettings(modelsFolder: string): Promise<ReadonlySet<string>> {
  const given: Settings = {
    AZURE_OPENAI_ENDPOINT: 'https://example.openai.azure.com',
    STRONG_DEPLOYMENT: 'strong',
    WEAK_DEPLOYMENT: 'weak',
    EMBEDDING_DEPLOYMENT: 'embedding',
    MODELS_FOLDER: modelsFolder,
  };
  const asked = new Set<string>();
  await loadConfig(
    new Proxy(given, {
      get(target, name) {
        asked.add(String(name));
        return Reflect.get(target, name);
      },
    }),
  );
  return asked;
}

/**
 * Checks that the app would start with these settings; resolves to the problems that its
 * configuration finds. Values that only Azure knows are replaced by values of their kind. A scorer
 * that is imported later is made up.
 */
export async function checkConfiguration(
  snapshot: Snapshot,
  modelsFolder: string,
): Promise<readonly string[]> {
  const settings = settingsOf(snapshot);
  if (settings === undefined) return [];
  const folder = await mkdtemp(join(tmpdir(), 'smart-router-infra-models-'));
  try {
    const scorer = settings['ROUTER_SCORER'] ?? '';
    const isThere = await hasScorer(modelsFolder, scorer);
    if (!isThere) await writeRegistry(folder, scorer);
    const values = Object.entries(settings).map(([name, value]) => [name, resolve(name, value)]);
    await loadConfig({
      ...Object.fromEntries(values),
      MODELS_FOLDER: isThere ? modelsFolder : folder,
      // This is set as in Azure, where a router without authentication is refused.
      WEBSITE_SITE_NAME: 'example',
    });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => `The app would not start: ${problem}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Recognizes Key Vault references, also those whose vault's address is known only in Azure. */
export function isVaultReference(value: string): boolean {
  return /^(\[format\(')?@Microsoft\.KeyVault\(/.test(value);
}

function resolve(name: string, value: string): string {
  if (isVaultReference(value)) return 'from-the-vault';
  if (!value.startsWith('[')) return value;
  if (name === 'TABLES_ENDPOINT') return 'https://example.table.core.windows.net';
  if (name === 'BLOBS_ENDPOINT') return 'https://example.blob.core.windows.net';
  if (name === 'ROUTER_KEY_VAULT') return 'https://example.vault.azure.net';
  return name.endsWith('_ENDPOINT') ? 'https://example.openai.azure.com' : 'known-in-azure';
}

async function hasScorer(modelsFolder: string, name: string): Promise<boolean> {
  if (name === '') return true;
  try {
    findScorer(await loadRegistry(modelsFolder), name);
    return true;
  } catch (error) {
    // Any other error is a broken registry, which is reported when the configuration is loaded.
    if (error instanceof ConfigError) return name !== 'routellm';
    throw error;
  }
}

/** Writes a registry with the published weights, as it is after their import. */
function writeRegistry(folder: string, id: string): Promise<void> {
  return writeFile(
    join(folder, 'registry.json'),
    JSON.stringify({ scorers: [{ ...PUBLISHED, id }] }),
  );
}
