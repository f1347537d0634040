import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createArmClient } from '../../tools/azure/arm-client.ts';
import {
  DEPLOYMENT_DEFAULTS,
  DEPLOYMENT_SETTINGS,
  readDeploymentSettings,
} from '../../tools/azure/deployment-settings.ts';
import { findModelProblems } from '../../tools/azure/model-problems.ts';
import { STAND_INS } from '../../tools/azure/planned-scorer.ts';
import { type ArmState, model, SUBSCRIPTION, startFakeArm, WELL } from '../fakes/fake-arm.ts';
import { createFakeAzd, FAKE_TOKEN } from '../fakes/fake-azd.ts';
import { runTool } from '../fakes/run-tool.ts';

const GOOD = {
  AZURE_ENV_NAME: 'router-dev',
  AZURE_LOCATION: 'swedencentral',
  AZURE_SUBSCRIPTION_ID: SUBSCRIPTION,
};

const ELSEWHERE = { WEAK_ENDPOINT: 'https://models.example/v1', WEAK_MODEL: 'mistral-small' };
const AZURE_ELSEWHERE = { ...ELSEWHERE, WEAK_ENDPOINT: 'https://other.services.ai.azure.com' };

const getToken = () => Promise.resolve(FAKE_TOKEN);

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Runs the preflight with these values as the azd environment; offline if `state` is absent. */
async function preflight(values: Readonly<Record<string, string>>, state?: ArmState) {
  const azd = await createFakeAzd({ ...GOOD, ...values });
  cleanUps.push(azd.remove);
  if (state === undefined) return runTool('preflight', ['--offline'], azd.env);
  const arm = await startFakeArm(state);
  cleanUps.push(arm.close);
  const result = await runTool('preflight', ['--arm', arm.url], azd.env);
  return { ...result, requests: arm.requests };
}

/** Returns the problems of these values with the models and their quota. */
async function modelProblems(values: Readonly<Record<string, string>>, state: ArmState) {
  const arm = await startFakeArm(state);
  cleanUps.push(arm.close);
  const client = createArmClient({ address: arm.url, getToken });
  const { settings } = readDeploymentSettings({ ...GOOD, ...values });
  return (await findModelProblems(client, SUBSCRIPTION, settings)).problems;
}

describe('without Azure', () => {
  test('passes with a name and a region', async () => {
    const { code, stdout } = await preflight({});
    expect(code).toBe(0);
    expect(stdout).toBe(
      'Nothing is wrong with router-dev in swedencentral, as far as can be told without Azure: region, models and quota were not looked at.\n',
    );
  });

  test('reads the environment where there is no azd', async () => {
    const { code } = await runTool('preflight', ['--offline'], {
      ...GOOD,
      AZURE_ENV_NAME: 'Upper',
    });
    expect(code).toBe(2);
  });

  test.each([
    [{ AZURE_ENV_NAME: 'a'.repeat(33) }, 'must have 1 to 32'],
    [{ AZURE_ENV_NAME: 'Router' }, 'azd env new'],
    [{ AZURE_LOCATION: '' }, 'AZURE_LOCATION must be'],
    [{ AZURE_LOCATION: 'Sweden Central' }, 'azd env set AZURE_LOCATION swedencentral'],
    [{ USE_API_MANAGEMENT: 'yes' }, 'USE_API_MANAGEMENT must be true or false, got "yes"'],
    [{ USE_API_MANAGEMENT: 'true' }, 'API Management needs PUBLISHER_EMAIL'],
    [{ USE_API_MANAGEMENT: 'true', PUBLISHER_EMAIL: 'me@here' }, 'got "me@here"'],
    [
      { USE_API_MANAGEMENT: 'true', PUBLISHER_EMAIL: 'me@here.org', PRIVATE_NETWORK: 'true' },
      'azd env set API_MANAGEMENT_SKU StandardV2',
    ],
    [{ WEAK_ENDPOINT: 'http://models.example/v1', WEAK_API_KEY: 'k' }, 'must be an https address'],
    [ELSEWHERE, 'WEAK_API_KEY is missing'],
    [AZURE_ELSEWHERE, 'azd env set WEAK_HAS_KEY false'],
    [
      { ...ELSEWHERE, WEAK_HAS_KEY: 'false', WEAK_API_STYLE: 'azure' },
      'models.example is not an Azure',
    ],
    [
      { ...AZURE_ELSEWHERE, WEAK_HAS_KEY: 'false', WEAK_API_STYLE: 'azure', WEAK_API_KEY: 'k' },
      'contradict each other',
    ],
    [{ ...AZURE_ELSEWHERE, WEAK_HAS_KEY: 'false' }, 'azd env set WEAK_API_STYLE azure'],
    [
      { ...ELSEWHERE, WEAK_API_KEY: 'k', WEAK_API_STYLE: 'anthropic' },
      'WEAK_API_STYLE must be azure or azure-v1 or openai, got "anthropic"',
    ],
    [{ ...ELSEWHERE, WEAK_API_KEY: 'k', WEAK_HAS_KEY: 'no' }, 'WEAK_HAS_KEY must be true or false'],
    [{ AZURE_PRINCIPAL_TYPE: 'Guest' }, 'must be User or Group or ServicePrincipal, got "Guest"'],
    [{ ROUTER_SCORER: '' }, 'azd env set ROUTER_SCORER routellm'],
    [{ PRIVATE_NETWORK: 'true ' }, 'PRIVATE_NETWORK has a blank before or after its value'],
    [{ WEAK_ENDPOINT: ' ' }, 'WEAK_ENDPOINT has a blank'],
    [{ WEAK_ENDPOINT: ELSEWHERE.WEAK_ENDPOINT, WEAK_API_KEY: 'k' }, 'WEAK_MODEL is missing'],
    [{ STRONG_MODEL: '' }, 'azd env set STRONG_MODEL gpt-5.6-sol'],
    [{ ROUTER_STRONG_SHARE: '30' }, 'ROUTER_STRONG_SHARE must be a number from 0 to 1'],
    [{ ROUTER_STRONG_SHARE: '0.3', ROUTER_THRESHOLD: '0.5' }, 'exclude each other'],
    [{ WEAK_API_KEY: 'k' }, 'without WEAK_ENDPOINT'],
    [{ STRONG_CAPACITY: '0' }, 'STRONG_CAPACITY must be a whole number'],
    [{ EMBEDDING_CAPACITY: 'ten' }, 'got "ten"'],
    [{ WEAK_CAPACITY: '1e2' }, 'got "1e2"'],
    [{ WEAK_MODEL: 'gpt-5.6-sol' }, 'nothing to route'],
    [{ DEPLOYMENT_SKU: 'Provisioned' }, 'DEPLOYMENT_SKU must be GlobalStandard or'],
    [{ ROUTER_API_KEYS: 'me=my-key' }, 'ROUTER_API_KEYS: entry 1 must be'],
  ])('refuses %o and says what to do', (values: Record<string, string>, said) => {
    const { problems } = readDeploymentSettings({ ...GOOD, ...values });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(said);
  });

  test('tells everything at once, and no key', async () => {
    const { code, stderr } = await preflight({
      AZURE_ENV_NAME: 'Router',
      AZURE_LOCATION: '',
      WEAK_API_KEY: 'a-secret-key',
    });
    expect(code).toBe(2);
    expect(stderr.match(/^Error: /gm)).toHaveLength(3);
    expect(stderr).not.toContain('a-secret-key');
  });

  test.each([
    [{ ...ELSEWHERE, WEAK_API_KEY: 'k' }],
    [{ ...ELSEWHERE, WEAK_API_KEY: '', KEY_VAULT_NAME: 'kv' }],
    [{ ...AZURE_ELSEWHERE, WEAK_HAS_KEY: 'false', WEAK_API_STYLE: 'azure' }],
    [{ ...AZURE_ELSEWHERE, WEAK_API_KEY: 'k', WEAK_API_STYLE: 'azure-v1' }],
  ])(
    'takes a weak model elsewhere: with its key, here or in the vault, or an Azure host',
    (values) => {
      expect(readDeploymentSettings({ ...GOOD, ...values }).problems).toEqual([]);
    },
  );

  test.each([
    [{ ROUTER_SCORER: 'mine' }, /ROUTER_SCORER names "mine".*local@2, .*routellm@1/],
    [{ ROUTER_STRONG_SHARE: '0.3' }, /the scorer routellm has none.*set ROUTER_THRESHOLD instead/],
    [
      { EMBEDDING_MODEL: 'text-embedding-3-large' },
      /azd env set EMBEDDING_MODEL text-embedding-3-small/,
    ],
  ])('refuses what the scorer cannot take: %o', async (values: Record<string, string>, said) => {
    const { code, stderr } = await preflight(values);
    expect(stderr.match(/^Error: /gm)).toHaveLength(1);
    expect(stderr).toMatch(said);
    expect(code).toBe(2);
  });

  test('takes what the local scorer can take', async () => {
    const embedding = { EMBEDDING_MODEL: 'text-embedding-3-large' };
    const values = { ROUTER_SCORER: 'local', ROUTER_STRONG_SHARE: '0.3', ...embedding };
    expect(await preflight(values)).toMatchObject({ code: 0 });
  });

  test('reads the environment where azd has none selected', async () => {
    const azd = await createFakeAzd({}, 'none');
    cleanUps.push(azd.remove);
    const { code, stdout } = await runTool('preflight', ['--offline'], { ...azd.env, ...GOOD });
    expect(stdout).toContain('router-dev in swedencentral');
    expect(code).toBe(0);
  });

  test('says what azd said when the selected environment cannot be read', async () => {
    const azd = await createFakeAzd({}, 'broken');
    cleanUps.push(azd.remove);
    const { code, stderr } = await runTool('preflight', ['--offline'], { ...azd.env, ...GOOD });
    expect(stderr).toContain(
      'azd env get-values failed: ERROR: loading .env: unexpected character',
    );
    expect(code).toBe(2);
  });
});

describe('in Azure', () => {
  test('passes when the region has the models and the subscription has quota', async () => {
    const { code, stdout, stderr, requests } = { requests: [], ...(await preflight({}, WELL)) };
    expect(stderr).toContain(
      'gpt-5.6-sol 2026-07-09: 80 of 100 thousand tokens a minute are free, 50 are requested.',
    );
    expect(stdout).toContain('can be deployed');
    expect(code).toBe(0);
    expect(requests.every((request) => request.startsWith('GET '))).toBe(true);
  });

  test('says how much quota is free, and where there is enough', async () => {
    const { code, stderr } = await preflight(
      {},
      {
        ...WELL,
        usages: { ...WELL.usages, 'OpenAI.GlobalStandard.gpt-5.6-sol': [90, 100] },
        regions: { westus3: 40, eastus2: 60, norwayeast: 500 },
      },
    );
    expect(stderr).toContain('STRONG_CAPACITY: gpt-5.6-sol 2026-07-09: 10 of 100');
    expect(stderr).toContain('Ask for 10 or less');
    expect(stderr).toContain('It would fit in norwayeast, eastus2 (azd env set AZURE_LOCATION');
    expect(stderr).toContain('Nothing was created.');
    expect(code).toBe(2);
  });

  test('does not count against a deployment what it has already', async () => {
    const state: ArmState = {
      ...WELL,
      usages: { ...WELL.usages, 'OpenAI.GlobalStandard.gpt-5.6-sol': [100, 100] },
      own: { 'gpt-5.6-sol': [50, 'GlobalStandard'], 'gpt-5.6-luna': [1, 'Standard'] },
    };
    expect(await modelProblems({ AZURE_RESOURCE_GROUP: 'rg' }, state)).toEqual([]);
    expect(await modelProblems({ AZURE_RESOURCE_GROUP: 'gone' }, state)).toHaveLength(1);
  });

  test.each([
    ['has not', [], 'The region does not have this model.'],
    [
      'has in other versions',
      [model('gpt-5.6-sol', '2026-10-01')],
      'It has the versions 2026-10-01: set STRONG_MODEL_VERSION.',
    ],
    [
      'has as another SKU',
      [model('gpt-5.6-sol', '2026-07-09', { skus: [{ name: 'Standard' }] })],
      'It has it as Standard: set DEPLOYMENT_SKU.',
    ],
    [
      'gives to nobody new',
      [model('gpt-5.6-sol', '2026-07-09', { lifecycleStatus: 'Deprecated' })],
      'It is deprecated there',
    ],
    [
      'has retired',
      [
        model('gpt-5.6-sol', '2026-07-09', {
          skus: [{ name: 'GlobalStandard', deprecationDate: '2020-01-01T00:00:00Z' }],
        }),
      ],
      'It is retired there',
    ],
    [
      'has in smaller deployments',
      [
        model('gpt-5.6-sol', '2026-07-09', {
          skus: [{ name: 'GlobalStandard', capacity: { maximum: 30 } }],
        }),
      ],
      'from 1 to 30: set STRONG_CAPACITY',
    ],
  ])('refuses a model that the region %s', async (_, strong, said) => {
    const others = (WELL.models ?? []).filter(({ name }) => name !== 'gpt-5.6-sol');
    const problems = await modelProblems({}, { ...WELL, models: [...strong, ...others] });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(
      'STRONG_MODEL: swedencentral does not offer gpt-5.6-sol 2026-07-09 as GlobalStandard.',
    );
    expect(problems[0]).toContain(said);
  });

  test('does not look for a weak model that is elsewhere', async () => {
    const models = (WELL.models ?? []).filter(({ name }) => name !== 'gpt-5.6-luna');
    const values = { ...ELSEWHERE, WEAK_API_KEY: 'k' };
    expect(await modelProblems(values, { ...WELL, models })).toEqual([]);
  });

  test('leaves it to the deployment to register resource providers', async () => {
    const state = { ...WELL, unregistered: ['Web', 'ApiManagement', 'App'] };
    const { code, stderr } = await preflight({}, state);
    expect(stderr).toContain('will register the resource provider Microsoft.Web.');
    expect(stderr).not.toContain('ApiManagement');
    expect(stderr).not.toContain('Microsoft.App');
    expect(code).toBe(0);
  });

  test('asks for the provider that no resource of the template names', async () => {
    const { code, stderr } = await preflight(
      { PRIVATE_NETWORK: 'true' },
      { ...WELL, unregistered: ['App'] },
    );
    expect(stderr).toContain('az provider register --namespace Microsoft.App --wait');
    expect(code).toBe(2);
  });

  test('asks for the provider that tells about models', async () => {
    const { code, stderr } = await preflight({}, { ...WELL, unregistered: ['CognitiveServices'] });
    expect(stderr).toContain('az provider register --namespace Microsoft.CognitiveServices --wait');
    expect(code).toBe(2);
  });

  test('says so when Azure stays busy', async () => {
    const { code, stderr } = await preflight({}, { ...WELL, failFirst: [400] });
    expect(stderr).toContain('answered 400 (Busy:)');
    expect(stderr).toContain('--offline');
    expect(code).toBe(2);
  });

  test('says so when nobody is signed in, or the subscription cannot be seen', async () => {
    const signedOut = await preflight({ SIGNED_OUT: 'true' }, WELL);
    expect(signedOut.stderr).toContain('azd auth login');
    expect(signedOut.code).toBe(2);
    const other = { AZURE_SUBSCRIPTION_ID: SUBSCRIPTION.replaceAll('1', '9') };
    const unseen = await preflight(other, WELL);
    expect(unseen.stderr).toContain('SubscriptionNotFound');
    expect(unseen.code).toBe(2);
  });

  test('sends no token over an open connection to another machine', async () => {
    const { code, stderr } = await runTool('preflight', ['--arm', 'http://192.0.2.1'], GOOD);
    expect(stderr).toContain('--arm must be an https address');
    expect(code).toBe(2);
  });
});

describe('the client of Azure Resource Manager', () => {
  const path = `/subscriptions/${SUBSCRIPTION}/providers?api-version=2021-04-01`;

  async function list(state: ArmState) {
    const arm = await startFakeArm(state);
    cleanUps.push(arm.close);
    const client = createArmClient({ address: arm.url, getToken, retryMs: 1 });
    return { items: client.list(path), requests: arm.requests };
  }

  test('reads a list to its end', async () => {
    const { items, requests } = await list({});
    expect(await items).toHaveLength(10);
    expect(requests).toHaveLength(5);
  });

  test('tries again when Azure is busy, but not for ever', async () => {
    const { items } = await list({ failFirst: [429, 503] });
    expect(await items).toHaveLength(10);
    const busy = await list({ failFirst: [500, 500, 500, 500] });
    await expect(busy.items).rejects.toMatchObject({ name: 'ArmError', status: 500, code: 'Busy' });
    expect(busy.requests).toHaveLength(4);
  });
});

describe('the parameters of azd', () => {
  async function readParameters(): Promise<Map<string, string>> {
    const text = await readFile('infra/main.bicepparam', 'utf8');
    const found = text.matchAll(/readEnvironmentVariable\('(\w+)', *'([^']*)'\)/g);
    return new Map([...found].map(([, name = '', value = '']) => [name, value]));
  }

  test('have the defaults that are checked', async () => {
    const parameters = await readParameters();
    for (const [name, value] of Object.entries(DEPLOYMENT_DEFAULTS)) {
      // A weak model elsewhere has no default name.
      if (name === 'WEAK_MODEL') continue;
      expect([name, parameters.get(name)]).toEqual([name, value]);
    }
  });

  test('are all settings of a pipeline, but for secrets and what azd sets', async () => {
    const names = [...(await readParameters()).keys()].filter(
      (name) => !name.startsWith('AZURE_') && !['WEAK_API_KEY', 'FRONT_DOOR_KEY'].includes(name),
    );
    expect(names.toSorted()).toEqual(DEPLOYMENT_SETTINGS.toSorted());
  });

  test('have the scorer and its models that are checked', async () => {
    const templates = await readFile('infra/main.bicep', 'utf8');
    expect(templates).toContain(`STRONG_SCORER_MODEL: '${STAND_INS.strong}'`);
    expect(templates).toContain(`WEAK_SCORER_MODEL: '${STAND_INS.weak}'`);
    expect((await readParameters()).get('ROUTER_SCORER')).toBe('routellm');
  });
});
