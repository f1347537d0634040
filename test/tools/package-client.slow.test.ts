import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  chunk,
  completion,
  json,
  startScriptedRouter,
  wholeStream,
} from '../shared/client/scripted-router.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
const isWindows = process.platform === 'win32';

let folder: string;
let tarball: string;

/** Runs the tool in an empty folder, as a user would, and not in the project's. */
function packageClient(...args: readonly string[]) {
  return run(process.execPath, [join(root, 'tools/run.mjs'), 'package-client', ...args], {
    cwd: folder,
  });
}

async function runProgram(name: string, text: string, ...args: readonly string[]) {
  await writeFile(join(folder, name), text);
  const { stdout } = await run(process.execPath, [name, ...args], { cwd: folder });
  return JSON.parse(stdout);
}

async function compile(name: string, text: string) {
  await writeFile(join(folder, name), text);
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--types',
    '',
  ];
  const modules = ['--module', 'nodenext', '--moduleResolution', 'nodenext', '--target', 'es2022'];
  return run(process.execPath, [tsc, ...options, ...modules, name], { cwd: folder }).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smart-router-consumer-'));
  const { stdout } = await packageClient('--out', 'out');
  tarball = stdout.trim();
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  const flags = ['--offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...flags, tarball], { cwd: folder, shell: isWindows });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  test('is named after the version and is all that is written', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(await readdir(join(folder, 'out'))).toEqual([`smart-router-${version}.tgz`]);
    expect(tarball.endsWith(join('out', `smart-router-${version}.tgz`))).toBe(true);
  });

  test("has no dependencies, and the project's licence", async () => {
    const installed = join(folder, 'node_modules/smart-router');
    const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    const project = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(Object.keys(manifest).filter((key) => /dependencies$/i.test(key))).toEqual([]);
    expect(manifest).toMatchObject({ name: 'smart-router', license: project.license });
    const licence = await readFile(join(root, 'LICENSE'), 'utf8');
    expect(await readFile(join(installed, 'LICENSE'), 'utf8')).toBe(licence);
    expect(await readFile(join(installed, 'README.md'), 'utf8')).toContain('chatCompletion');
  });
});

describe('the tool', () => {
  test('explains itself', async () => {
    const { stdout } = await packageClient('--help');
    expect(stdout).toContain('--out <folder>');
  });

  test('exits with 2 for an option that it does not know', async () => {
    await expect(packageClient('--wrong')).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining("Unknown option '--wrong'"),
    });
  });
});

const USE = `
async function use(baseUrl) {
  const client = new SmartRouterClient({ baseUrl, useCase: 'support', maxRetries: 0 });
  const health = await client.healthCheck();
  const { response, routing } = await client.chatCompletion({ prompt: 'Hi' });
  let text = '';
  for await (const { choices } of await client.chatCompletion({ prompt: 'Hi', stream: true })) {
    text += choices[0].delta.content;
  }
  const error = await client.chatCompletion({ prompt: 'Hi' }).catch((reason) => reason);
  const isKnown = error instanceof RouterResponseError && error instanceof RouterError;
  return { health, response, tier: routing.tier, text, isKnown, code: error.code };
}
use(process.argv[2]).then((result) => console.log(JSON.stringify(result)));
`;
const NAMES = '{ RouterError, RouterResponseError, SmartRouterClient }';

describe('the installed package', () => {
  test.each([
    ['an ECMAScript module', 'use.mjs', `import ${NAMES} from 'smart-router/client';`],
    ['CommonJS', 'use.cjs', `const ${NAMES} = require('smart-router/client');`],
  ])('works from %s', async (_, name, head) => {
    const error = { message: 'No.', type: null, param: null, code: 'content_filter' };
    const router = await startScriptedRouter(
      json(200, { status: 'online' }),
      completion,
      wholeStream(`data: ${chunk('Grü')}\n\ndata: ${chunk('ße')}\n\ndata: [DONE]\n\n`),
      json(400, { error }),
    );
    expect(await runProgram(name, `${head}${USE}`, router.baseUrl)).toEqual({
      health: { status: 'online' },
      response: 'Paris.',
      tier: 'weak',
      text: 'Grüße',
      isKnown: true,
      code: 'content_filter',
    });
    expect(router.requests.map(({ headers }) => headers['x-use_case'])).toContain('support');
  });

  const imports = `import {
  type ChatCompletion, type ChatCompletionStream, RouterError, SmartRouterClient,
} from 'smart-router/client';
const client = new SmartRouterClient({
  baseUrl: 'http://localhost', apiKey: async () => 'key', fetch: globalThis.fetch,
});
`;

  test.each(['right.ts', 'right.cts'])('has types for %s', async (name) => {
    const text = `${imports}
export async function use(isStreamed: boolean): Promise<string> {
  const answer: ChatCompletion = await client.chatCompletion(
    { prompt: 'Hi', routing: { mode: 'cost' }, custom: 1 },
    { useCase: undefined, signal: AbortSignal.timeout(1) },
  );
  const stream: ChatCompletionStream = await client.chatCompletion({
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    stream: true,
  });
  for await (const chunk of stream) console.log(chunk.choices[0]?.delta.content, chunk.usage);
  const either: ChatCompletion | ChatCompletionStream = await client.chatCompletion({
    prompt: 'Hi', stream: isStreamed,
  });
  const status: 'online' = (await client.healthCheck()).status;
  const winRate: number | undefined = stream.routing.winRate;
  if (either instanceof RouterError) console.log(either.kind);
  return answer.selected_model + status + winRate + (answer.response ?? '');
}
`;
    expect(await compile(name, text)).toBe('');
  });

  test.each(['wrong.ts', 'wrong.cts'])('refuses wrong use in %s', async (name) => {
    const wrong = [
      `client.chatCompletion({ messages: 'x' });`,
      `client.chatCompletion({});`,
      `client.chatCompletion({ prompt: 'x', routing: { mode: 'fast' } });`,
      `client.chatCompletion({ prompt: 'x', routing: { treshold: 1 } });`,
      `client.chatCompletion({ prompt: 'x' }, { timeout: 1 });`,
      `client.chatCompletion({ prompt: 'x' }).then((answer) => answer.routing.winrate);`,
      `client.chatCompletion({ prompt: 'x', stream: true }).then((stream) => stream.response);`,
      `new SmartRouterClient({});`,
      `client.healthcheck();`,
    ];
    const firstLine = imports.split('\n').length;
    const expected = wrong.map((_, index) => `${name}(${firstLine + index}`);
    const found = await compile(
      name,
      `${imports}${wrong.join('\n')}\nexport type { RouterError };`,
    );
    const lines = [...found.matchAll(/^(\w+\.c?ts\(\d+),\d+\): error/gm)].map(([, line]) => line);
    expect([...new Set(lines)]).toEqual(expected);
  });
});
