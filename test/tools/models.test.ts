import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runTool } from '../fakes/run-tool.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { type Router, startRouter } from '../support/router.ts';

const azurite = takeStorageAccount();
let router: Router;
let folder: string;
beforeAll(async () => {
  const sha256 = createHash('sha256').update('admin').digest('hex');
  router = await startRouter({
    settings: {
      TABLES_CONNECTION_STRING: azurite.connectionString,
      ROUTER_API_KEYS: `ops=${sha256};role=admin`,
      UPSTREAM_KEY_SIM: 'key-of-the-simulator',
      WEAK_PRICE: '0.2/1.2',
    },
  });
  folder = await mkdtemp(join(tmpdir(), 'smart-router-models-'));
});
afterAll(async () => {
  await router.close();
  await rm(folder, { recursive: true });
});

function models(args: readonly string[], key: string | undefined = 'admin') {
  return runTool('models', [...args, '--url', router.url], { SMART_ROUTER_API_KEY: key });
}

async function fileOf(content: unknown): Promise<string> {
  const path = join(folder, `${Math.random()}.json`);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function definition(name: string, changed: object = {}) {
  return {
    name,
    endpoint: router.simulator.url,
    deployment: 'weak',
    auth: { type: 'app_setting', name: 'UPSTREAM_KEY_SIM' },
    price: { input: 2, output: 12 },
    scorer_model: 'mixtral-8x7b',
    ...changed,
  };
}

describe('npm run models', () => {
  test('lists, adds, pauses, resumes, rolls back and removes', async () => {
    const first = await models(['list']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(
      /^name +model +state +weight +price +scored as +source +version$/m,
    );
    expect(first.stdout).toMatch(
      /^weak +gpt-5\.6-luna +enabled +1 +0\.2\/1\.2 +\S+ \(STAND-IN\) +settings +1$/m,
    );
    expect(first.stdout).toMatch(
      /^STAND-IN: weak \(gpt-5\.6-luna\) is scored as \S+: its name is like "gpt-\*-luna", /m,
    );
    expect(first.stdout).toMatch(/^strong .* 4\/20 /m);

    const file = await fileOf([definition('one'), definition('two', { weight: 3 })]);
    expect(await models(['add', file])).toEqual({
      code: 0,
      stderr: '',
      stdout: 'one is version 1.\ntwo is version 1.\n',
    });
    expect((await models(['pause', 'one'])).stdout).toBe('one is paused (version 2).\n');
    expect((await models(['list'])).stdout).toMatch(/^one .* paused /m);
    expect((await models(['resume', 'one'])).stdout).toBe('one is enabled (version 3).\n');
    const { stdout } = await models(['history', 'one']);
    expect(stdout).toMatch(
      /^version +at +by +action +changed\n3 .* ops +update +enabled\n2 .*\n1 .* create /,
    );
    expect((await models(['rollback', 'one', '2'])).stdout).toBe(
      'one is as in version 2 (now version 4).\n',
    );
    for (const name of ['one', 'two']) {
      expect((await models(['remove', name])).stdout).toBe(`${name} is removed.\n`);
    }
    expect((await models(['list'])).stdout).not.toMatch(/^one /m);
  });

  test('prints JSON, which it takes back', async () => {
    const { stdout } = await models(['list', '--json']);
    const entries = JSON.parse(stdout);
    expect(entries).toHaveLength(2);
    const file = await fileOf({ object: 'list', data: entries });
    expect(await models(['add', file])).toMatchObject({ code: 0 });
    expect((await models(['history', 'weak'])).stdout).toMatch(
      /^version .*\n1 +settings +create +endpoint,/,
    );
  });

  test('asks a deployment first, and adds none when one does not answer', async () => {
    const good = await fileOf(definition('probed'));
    const { code, stderr } = await models(['add', good, '--probe']);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^probed answered 200 after \d+ ms\.\n$/),
    ]);
    await models(['remove', 'probed']);
    const file = await fileOf([
      definition('fine'),
      definition('gone', { deployment: 'not-there' }),
    ]);
    const bad = await models(['add', file, '--probe']);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(
      /gone answered 404.*\nError: gone does not answer: nothing was added/s,
    );
    expect((await models(['list'])).stdout).not.toContain('fine');
  });

  test('adds nothing of a file with one wrong definition, and says what the router says', async () => {
    const file = await fileOf([definition('fine'), definition('bad', { wieght: 2 })]);
    const { code, stderr } = await models(['add', file]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/Did you mean weight\?/)]);
    expect((await models(['list'])).stdout).not.toContain('fine');
  });

  test.each([
    [['remove', 'nobody'], /no deployment with this name/],
    [['remove', 'strong'], /comes from the settings/],
    [['rollback', 'strong', '7'], /version must be one/],
  ])('ends with 1 when the router refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await models(args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
  });

  test('says who may when its key is none', async () => {
    const { code, stderr } = await models(['list'], 'wrong');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/ROUTER_API_KEYS/)]);
    expect(stderr).not.toContain('wrong');
  });

  test.each([
    [[], /There is no command ""/],
    [['drop', 'one'], /There is no command "drop"/],
    [['remove'], /remove <name>/],
    [['rollback', 'one', 'first'], /whole number/],
    [['add', 'not-there.json'], /cannot be read/],
    [['list', '--nonsense'], /nonsense/],
    [['list', '--key-from', 'NOT_SET_ANYWHERE'], /--key-from/],
  ])('ends with 2 for %j', async (args, message) => {
    const { code, stdout, stderr } = await models(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });

  test.each([['{'], ['[]'], [{ endpoint: 'x' }], ['null']])(
    'ends with 2 for a file with %j',
    async (content) => {
      const { code, stderr } = await models(['add', await fileOf(content)]);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/^Error: /)]);
    },
  );

  test('sends no key over plain http to another machine', async () => {
    const { code, stderr } = await runTool(
      'models',
      ['list', '--url', 'http://router.example.com'],
      {
        SMART_ROUTER_API_KEY: 'admin',
      },
    );
    expect([code, stderr]).toEqual([2, expect.stringMatching(/https/)]);
  });

  test('says that a router is not there, and shows nothing that a terminal would act on', async () => {
    const there = await runTool('models', ['list', '--url', 'http://127.0.0.1:9'], {});
    expect([there.code, there.stderr]).toEqual([1, expect.stringMatching(/cannot be reached/)]);
    const server = createServer((_, response) =>
      response.writeHead(400).end(JSON.stringify({ error: { message: 'bad \u001b[31mred' } })),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { stderr } = await runTool('models', ['list', '--url', url], {});
    expect(stderr).toBe('Error: bad  [31mred\n');
    server.close();
  });
});
