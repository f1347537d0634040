import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
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
  it('makes a key, of which the app gets the hash, and shows it to nobody', async () => {
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

  it('keeps the keys of others, and the one that it is given', async () => {
    const given = { SMART_ROUTER_API_KEY: 'mine', ROUTER_API_KEYS: `${ELSE},azd=${sha256('old')}` };
    const { values } = await step('preprovision', { ...GOOD, ...given });
    expect(values['SMART_ROUTER_API_KEY']).toBe('mine');
    expect(values['ROUTER_API_KEYS']).toBe(`${ELSE},azd=${sha256('mine')}`);
  });

  it('changes nothing when the keys know the given one under a name of their own', async () => {
    const given = { SMART_ROUTER_API_KEY: 'a key', ROUTER_API_KEYS: ELSE };
    const { values, code } = await step('preprovision', { ...GOOD, ...given });
    expect(values).toMatchObject(given);
    expect(code).toBe(0);
  });

  it('makes no key where API Management has those of the callers', async () => {
    const { values, code } = await step('preprovision', {
      ...GOOD,
      USE_API_MANAGEMENT: 'true',
      PUBLISHER_EMAIL: 'me@here.org',
    });
    expect(values).not.toHaveProperty('ROUTER_API_KEYS');
    expect(code).toBe(0);
  });

  it('ends with exit code 2 when the preflight finds something', async () => {
    const { code, stderr } = await step('preprovision', { ...GOOD, STRONG_CAPACITY: '500' });
    expect(stderr).toContain('Ask for 80 or less');
    expect(code).toBe(2);
  });
});

describe('before packaging', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'smart-router-scorer-'));
    await writeFile(join(folder, 'scorer.json'), '{"id":"local","version":"2"}');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['of a first deployment', {}, false],
    ['of an app that is there', { ROUTER_SCORER: 'routellm', AZURE_FUNCTION_NAME: 'func' }, true],
  ])('notes the scorer %s', async (_, values, mustProvision) => {
    azd = await createFakeAzd(values);
    vi.stubEnv('PATH', azd.env['PATH']);
    const said = vi.spyOn(console, 'error').mockReturnValue();
    await notePackageScorer(join(folder, 'scorer.json'));
    expect((await azd.values())['ROUTER_SCORER']).toBe('local');
    expect(said.mock.calls.flat().join(' ').includes('Run azd provision')).toBe(mustProvision);
  });
});

describe('in a pipeline', () => {
  it('takes over the settings that have a value, and nothing else', async () => {
    azd = await createFakeAzd(GOOD);
    const variables = {
      STRONG_MODEL: 'gpt-6-sol',
      WEAK_MODEL: '',
      ROUTER_API_KEYS: ELSE,
      OTHER: 'not ours',
    };
    const env = { ...azd.env, DEPLOYMENT_VARIABLES: JSON.stringify(variables) };
    const { code } = await runTool('azd', ['variables'], env);
    expect(code).toBe(0);
    expect(await azd.values()).toEqual({
      ...GOOD,
      STRONG_MODEL: 'gpt-6-sol',
      ROUTER_API_KEYS: ELSE,
    });
  });
});

it('says what is missing: azd, a step, the address', async () => {
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
