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

const HELP = `Runs the steps that azd calls before and after its own (azure.yaml).

  npm run azd:prepackage     makes dist-package/app, and sets ROUTER_SCORER in the azd environment:
                             a scorer in the package stays; an empty value becomes the package's
                             choice, as does routellm when its weights could not be fetched
  npm run azd:preprovision   makes a key for callers if there is none, and runs the preflight
  npm run azd:postdeploy     runs the smoke test, with the embedding cache where the scorer uses one
  npm run azd:variables      copies the non-empty settings of the JSON object in DEPLOYMENT_VARIABLES
                             to the azd environment (in a pipeline)

  --arm <url>   Azure Resource Manager (default: ${AZURE_RESOURCE_MANAGER})
  --help        shows this text`;

const root = fileURLToPath(new URL('..', import.meta.url));

/** The environment variable from which the smoke test reads its key. */
const KEY = 'SMART_ROUTER_API_KEY';

/** The patience with a fresh deployment: newly assigned roles take minutes to reach the models and the tables. */
const FRESH_DEPLOYMENT_SECONDS = 600;

const STEPS = { prepackage, preprovision, postdeploy, variables } as const;

await runTool({
  help: HELP,
  options: { arm: { type: 'string' } },
  allowPositionals: true,
  run: async (commandLine) => {
    const [name = '', ...rest] = commandLine.positionals;
    if (!isStep(name) || rest.length > 0) {
      throw new InputError(`There is no step "${name}": --help lists the steps.`);
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
  // Behind API Management only the front door calls the router; callers use its subscriptions.
  if (isTrue(values['USE_API_MANAGEMENT'])) await ensureKey(values, 'FRONT_DOOR_KEY', 'front-door');
  else await ensureKey(values, KEY, 'azd');
  await runOwnTool('preflight', ['--arm', arm]);
}

/** Ensures that `variable` of the environment holds a key, and the entry `name` of ROUTER_API_KEYS its hash. */
async function ensureKey(values: AzdValues, variable: string, name: string): Promise<void> {
  const { key, apiKeys, isNew, isChanged } = withCallerKey(
    values[variable] ?? '',
    values['ROUTER_API_KEYS'] ?? '',
    name,
  );
  if (!isChanged) return;
  await setAzdValues({ [variable]: key, ROUTER_API_KEYS: apiKeys });
  console.error(
    isNew
      ? `Made a key for callers of the router: ${variable} in the azd environment (azd env get-value ${variable}). The app gets only its SHA-256.`
      : `Added the SHA-256 of ${variable} to ROUTER_API_KEYS.`,
  );
}

async function postdeploy(arm: string): Promise<void> {
  await ensureInstalled();
  const values = { ...process.env, ...(await readAzdValues()) };
  const gateway = values['GATEWAY_URL'] ?? '';
  const url = gateway === '' ? (values['ROUTER_URL'] ?? '') : gateway;
  if (url === '') throw new InputError('ROUTER_URL is missing: run azd provision first.');
  const key = gateway === '' ? (values[KEY] ?? '') : await readGatewayKey(values, arm);
  // The import is dynamic because its packages may have been installed only now.
  const { hasEmbeddingCache } = await import('./azure/planned-scorer.ts');
  const expectCache = (await hasEmbeddingCache(values)) ? ['--expect-cache'] : [];
  const patience = ['--timeout-seconds', String(FRESH_DEPLOYMENT_SECONDS)];
  await runOwnTool('smoke', ['--url', url, ...patience, ...expectCache], { [KEY]: key });
}

async function variables(): Promise<void> {
  const settings = Object.entries(parseVariables(process.env['DEPLOYMENT_VARIABLES'] ?? '{}'))
    // A variable that was pasted into a web page may end with a line break.
    .map(([name, value]): [string, string] => [name, value.trim()])
    .filter(([name, value]) => DEPLOYMENT_SETTINGS.includes(name) && value !== '');
  if (settings.length === 0) return;
  await setAzdValues(Object.fromEntries(settings));
  console.error(`Set ${settings.map(([name]) => name).join(', ')}.`);
}

/** Parses by hand, since no package may be installed yet. Throws an InputError that contains no value. */
function parseVariables(text: string): Readonly<Record<string, string>> {
  const problem =
    'DEPLOYMENT_VARIABLES must be a JSON object whose values are strings, such as {"STRONG_CAPACITY":"50"}.';
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw new InputError(problem);
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InputError(problem);
  }
  if (!Object.values(given).every((value) => typeof value === 'string')) {
    throw new InputError(problem);
  }
  return given as Record<string, string>;
}

async function readGatewayKey(values: AzdValues, arm: string): Promise<string> {
  // The import is dynamic for the same reason as above.
  const { readSubscriptionKey } = await import('./azure/subscription-key.ts');
  return readSubscriptionKey(values, arm);
}

/** Installs the packages if needed: a hook may be the first command in a fresh clone. */
async function ensureInstalled(): Promise<void> {
  if (existsSync(`${root}/node_modules/.package-lock.json`)) return;
  console.error('Installing...');
  // npm is a batch file on Windows, which only a shell can start.
  await run('npm', ['ci'], { shell: process.platform === 'win32' });
}

/** Runs a tool. Throws an InputError when it fails; the tool itself has reported why. */
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
      else reject(new InputError('The step failed; see the messages above.'));
    });
  });
}
