import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { setAzdValues } from '../../tools/azure/azd-environment.ts';
import { notePackageScorer } from '../../tools/azure/package-scorer.ts';
import { type FakeArm, SUBSCRIPTION, startFakeArm, WELL } from '../fakes/fake-arm.ts';
import { createFakeAzd, type FakeAzd } from '../fakes/fake-azd.ts';
import { runTool } from '../fakes/run-tool.ts';

const GOOD = {
  AZURE_ENV_NAME: 'router-dev',
  AZURE_LOCATION: 'swedencentral',
  AZURE_SUBSCRIPTION_ID: SUBSCRIPTION,
};
const ELSE = `somebody=${sha256('a key')};role=admin`;

let arm: FakeArm;
let azd: FakeAzd | undefined;
beforeAll(async () => {
  arm = await startFakeArm(WELL);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await azd?.remove();
  azd = undefined;
});
afterAll(() => arm.close());

async function step(name: string, values: Readonly<Record<string, string>>) {
  azd ??= await createFakeAzd(values);
  const result = await runTool('azd', [name, '--arm', arm.url], azd.env);
  return { ...result, values: await azd.values(), calls: await azd.calls() };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('before provisioning', () => {
  test('makes a key, of which the app gets the hash, and shows it to nobody', async () => {
    const { code, stdout, stderr, values, calls } = await step('preprovision', GOOD);
    const key = values['SMART_ROUTER_API_KEY'] ?? '';
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(values['ROUTER_API_KEYS']).toBe(`azd=${sha256(key)}`);
    expect(stderr).toContain('azd env get-value SMART_ROUTER_API_KEY');
    expect(stdout + stderr + calls).not.toContain(key);
    expect(stdout).toContain('router-dev in swedencentral can be deployed.');
    expect(code).toBe(0);

    const again = await step('preprovision', GOOD);
    expect(again.values).toEqual(values);
  });

  test('keeps the keys of others, and the one that it is given', async () => {
    const given = { SMART_ROUTER_API_KEY: 'mine', ROUTER_API_KEYS: `${ELSE},azd=${sha256('old')}` };
    const { values } = await step('preprovision', { ...GOOD, ...given });
    expect(values['SMART_ROUTER_API_KEY']).toBe('mine');
    expect(values['ROUTER_API_KEYS']).toBe(`${ELSE},azd=${sha256('mine')}`);
  });

  test('changes nothing when the keys know the given one under a name of their own', async () => {
    const given = { SMART_ROUTER_API_KEY: 'a key', ROUTER_API_KEYS: ELSE };
    const { values, code } = await step('preprovision', { ...GOOD, ...given });
    expect(values).toMatchObject(given);
    expect(code).toBe(0);
  });

  test('makes the front door a key of its own where API Management has those of the callers', async () => {
    const { values, code } = await step('preprovision', {
      ...GOOD,
      USE_API_MANAGEMENT: 'true',
      PUBLISHER_EMAIL: 'me@here.org',
    });
    const key = values['FRONT_DOOR_KEY'] ?? '';
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(values['ROUTER_API_KEYS']).toBe(`front-door=${sha256(key)}`);
    expect(values).not.toHaveProperty('SMART_ROUTER_API_KEY');
    expect(code).toBe(0);
  });

  test('ends with exit code 2 when the preflight finds something', async () => {
    const { code, stderr } = await step('preprovision', { ...GOOD, STRONG_CAPACITY: '500' });
    expect(stderr).toContain('Ask for 80 or less');
    expect(code).toBe(2);
  });
});

describe('before packaging', () => {
  const BOTH = [
    { id: 'local', version: '2' },
    { id: 'routellm', version: '1' },
  ];
  const LOCAL_ONLY = BOTH.slice(0, 1);

  /** Runs the hook for a package with these scorers; the last one is the package's choice. */
  async function note(values: Readonly<Record<string, string>>, scorers = BOTH) {
    const folder = await mkdtemp(join(tmpdir(), 'smart-router-scorer-'));
    const file = join(folder, 'scorer.json');
    await writeFile(file, JSON.stringify({ ...scorers.at(-1), scorers }));
    azd = await createFakeAzd(values);
    vi.stubEnv('PATH', azd.env['PATH']);
    const said = vi.spyOn(console, 'error').mockReturnValue();
    try {
      await notePackageScorer(file);
      return {
        scorer: (await azd.values())['ROUTER_SCORER'],
        said: said.mock.calls.flat().join(' '),
      };
    } finally {
      said.mockRestore();
      await rm(folder, { recursive: true });
    }
  }

  test.each([
    [{}, BOTH, 'routellm'],
    [{ ROUTER_SCORER: '' }, LOCAL_ONLY, 'local'],
    [{ ROUTER_SCORER: 'routellm' }, LOCAL_ONLY, 'local'],
    [{ ROUTER_SCORER: 'routellm@1' }, BOTH, 'routellm@1'],
    [{ ROUTER_SCORER: 'local' }, BOTH, 'local'],
    [{ ROUTER_SCORER: 'mine@3' }, [{ id: 'mine', version: '3' }, ...BOTH], 'mine@3'],
  ])('makes of %o with the package of %o the scorer %s', async (values, scorers, expected) => {
    expect((await note(values, scorers)).scorer).toBe(expected);
  });

  test('says that local stays, where there is something else again', async () => {
    const { said } = await note({ ROUTER_SCORER: 'local' });
    expect(said).toContain('azd env set ROUTER_SCORER routellm');
    expect((await note({ ROUTER_SCORER: 'local' }, LOCAL_ONLY)).said).toBe('');
  });

  test('has the app told, where there is one already', async () => {
    const values = { ROUTER_SCORER: 'routellm', AZURE_FUNCTION_NAME: 'func' };
    expect((await note(values, LOCAL_ONLY)).said).toContain('Run azd provision');
    expect((await note({}, LOCAL_ONLY)).said).not.toContain('Run azd provision');
  });

  test('refuses a scorer that the package lacks, and says what there is', async () => {
    await expect(note({ ROUTER_SCORER: 'mine' })).rejects.toThrow(
      /ROUTER_SCORER names "mine".*local@2, routellm@1/,
    );
    expect((await azd?.values())?.['ROUTER_SCORER']).toBe('mine');
  });
});

describe('in a pipeline', () => {
  test('takes over the settings that have a value, and nothing else', async () => {
    azd = await createFakeAzd(GOOD);
    const variables = {
      STRONG_MODEL: 'gpt-6-sol',
      WEAK_MODEL: '',
      ROUTER_API_KEYS: ELSE,
      OTHER: 'not ours',
      // A pasted value may end like this.
      PUBLISHER_EMAIL: "o'brien@example.com\n",
    };
    const env = { ...azd.env, DEPLOYMENT_VARIABLES: JSON.stringify(variables) };
    const { code } = await runTool('azd', ['variables'], env);
    expect(code).toBe(0);
    expect(await azd.values()).toEqual({
      ...GOOD,
      STRONG_MODEL: 'gpt-6-sol',
      ROUTER_API_KEYS: ELSE,
      PUBLISHER_EMAIL: "o'brien@example.com",
    });
  });

  test.each([['$HOME "quoted" #1'], ["it's"], [' '], ['a\\b']])(
    'hands %s to azd as it is',
    async (value) => {
      azd = await createFakeAzd(GOOD);
      vi.stubEnv('PATH', azd.env['PATH']);
      await setAzdValues({ FIRST: value, SECOND: 'other' });
      expect(await azd.values()).toEqual({ ...GOOD, FIRST: value, SECOND: 'other' });
    },
  );

  test.each([
    ['a line break', 'one\nINJECTED=two'],
    ['both quotes', `'"`],
    ['a quote and a dollar sign', "it's $5"],
    ['a backslash at its end', 'C:\\'],
  ])('refuses a value with %s, and sets none', async (_, value) => {
    azd = await createFakeAzd(GOOD);
    const variables = { STRONG_MODEL: 'gpt-6-sol', WEAK_MODEL: value };
    const env = { ...azd.env, DEPLOYMENT_VARIABLES: JSON.stringify(variables) };
    const { code, stderr } = await runTool('azd', ['variables'], env);
    expect(stderr).toMatch(/^Error: WEAK_MODEL .*cannot be passed to azd/);
    expect(stderr).not.toContain(value);
    expect(code).toBe(2);
    expect(await azd.values()).toEqual(GOOD);
  });

  test.each(['{', '[]', 'null', '{"WEAK_CAPACITY":5}'])(
    'refuses the variables %s',
    async (text) => {
      const { code, stderr } = await runTool('azd', ['variables'], { DEPLOYMENT_VARIABLES: text });
      expect(stderr).toContain(
        'Error: DEPLOYMENT_VARIABLES must be a JSON object whose values are strings',
      );
      expect(code).toBe(2);
    },
  );
});

test('says what is missing: azd, a step, the address', async () => {
  const none = await runTool('azd', ['preprovision'], { PATH: '/nowhere' });
  expect(none.stderr).toContain('azd is not installed');
  expect(none.code).toBe(2);
  const unknown = await runTool('azd', ['postprovision']);
  expect(unknown.stderr).toContain('There is no step "postprovision"');
  expect(unknown.code).toBe(2);
  const early = await step('postdeploy', GOOD);
  expect(early.stderr).toContain('ROUTER_URL is missing');
  expect(early.code).toBe(2);
});
