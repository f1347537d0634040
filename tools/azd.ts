import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AZURE_RESOURCE_MANAGER } from './azure/arm-client.ts';
import { type AzdValues, readAzdValues, setAzdValues } from './azure/azd-environment.ts';
import { isTrue, withCallerKey } from './azure/caller-key.ts';
import { DEPLOYMENT_SETTINGS } from './azure/deployment-settings.ts';
import { notePackageScorer } from './azure/package-scorer.ts';
import { InputError } from './command-line/input-error.ts';
import { runTool } from './command-line/run-tool.ts';

const HELP = `What azd runs before and after its own steps (azure.yaml).

  npm run azd:prepackage     makes dist-package/app, and notes its scorer in the azd environment
  npm run azd:preprovision   a key to call with, where none is there, and the preflight
  npm run azd:postdeploy     the smoke test
  npm run azd:variables      takes the settings of the JSON object in DEPLOYMENT_VARIABLES over into
                             the azd environment (in a pipeline; without those that are empty)

  --arm <url>   Azure Resource Manager (default: ${AZURE_RESOURCE_MANAGER})
  --help        this text`;

const root = fileURLToPath(new URL('..', import.meta.url));

/** What the environment variable is called that shows the smoke test its key. */
const KEY = 'SMART_ROUTER_API_KEY';

/** Roles that were just assigned take minutes to reach the models and the tables. */
const FRESH_DEPLOYMENT_SECONDS = 600;

const STEPS = { prepackage, preprovision, postdeploy, variables } as const;

await runTool({
  help: HELP,
  options: { arm: { type: 'string' } },
  allowPositionals: true,
  run: async (commandLine) => {
    const [name = '', ...rest] = commandLine.positionals;
    if (!isStep(name) || rest.length > 0) {
      throw new InputError(`There is no step "${name}": --help shows what there is.`);
    }
    await STEPS[name](commandLine.text('arm') ?? AZURE_RESOURCE_MANAGER);
  },
});

function isStep(name: string): name is keyof typeof STEPS {
  return Object.hasOwn(STEPS, name);
}

async function prepackage(): Promise<void> {
  await ensureInstalled();
  await runOwnTool('package', ['--with-published-weights']);
  await notePackageScorer(`${root}/dist-package/scorer.json`);
}

async function preprovision(arm: string): Promise<void> {
  await ensureInstalled();
  const values = { ...process.env, ...(await readAzdValues()) };
  if (!isTrue(values['USE_API_MANAGEMENT'])) await ensureCallerKey(values);
  await runOwnTool('preflight', ['--arm', arm]);
}

async function ensureCallerKey(values: AzdValues): Promise<void> {
  const { key, apiKeys, isNew, isChanged } = withCallerKey(
    values[KEY] ?? '',
    values['ROUTER_API_KEYS'] ?? '',
  );
  if (!isChanged) return;
  await setAzdValues({ [KEY]: key, ROUTER_API_KEYS: apiKeys });
  console.error(
    isNew
      ? `Made a key to call the router with: ${KEY} in the azd environment (azd env get-value ${KEY}). The app gets its SHA-256 only.`
      : `Added the SHA-256 of ${KEY} to ROUTER_API_KEYS.`,
  );
}

async function postdeploy(arm: string): Promise<void> {
  await ensureInstalled();
  const values = { ...process.env, ...(await readAzdValues()) };
  const gateway = values['GATEWAY_URL'] ?? '';
  const url = gateway === '' ? (values['ROUTER_URL'] ?? '') : gateway;
  if (url === '') throw new InputError('ROUTER_URL is missing: run azd provision first.');
  const key = gateway === '' ? (values[KEY] ?? '') : await readGatewayKey(values, arm);
  await runOwnTool('smoke', ['--url', url, '--timeout-seconds', String(FRESH_DEPLOYMENT_SECONDS)], {
    [KEY]: key,
  });
}

async function variables(): Promise<void> {
  const given = JSON.parse(process.env['DEPLOYMENT_VARIABLES'] ?? '{}') as AzdValues;
  const settings = Object.entries(given).filter(
    (entry): entry is [string, string] => DEPLOYMENT_SETTINGS.includes(entry[0]) && entry[1] !== '',
  );
  if (settings.length === 0) return;
  await setAzdValues(Object.fromEntries(settings));
  console.error(`Set ${settings.map(([name]) => name).join(', ')}.`);
}

async function readGatewayKey(values: AzdValues, arm: string): Promise<string> {
  // What it needs may have been installed just now.
  const { readSubscriptionKey } = await import('./azure/subscription-key.ts');
  return readSubscriptionKey(values, arm);
}

/** Hooks may be the first thing that runs in a fresh clone. */
async function ensureInstalled(): Promise<void> {
  if (existsSync(`${root}/node_modules/.package-lock.json`)) return;
  console.error('Installing...');
  // npm is a batch file on Windows, which only a shell can start.
  await run('npm', ['ci'], { shell: process.platform === 'win32' });
}

/** Throws an InputError when the tool does not end well: it has said why. */
function runOwnTool(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  return run(process.execPath, [`${root}/tools/run.mjs`, name, ...args], { env });
}

type RunOptions = { readonly shell?: boolean; readonly env?: Readonly<Record<string, string>> };

function run(program: string, args: readonly string[], options: RunOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: 'inherit',
      shell: options.shell ?? false,
      env: { ...process.env, ...options.env },
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new InputError('It did not pass; what to do is said above.'));
    });
  });
}
