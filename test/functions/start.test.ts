import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { post, ROUTED } from '../support/router.ts';
import { importSyntheticScorer } from '../support/synthetic-scorer.ts';

const running: ChildProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((child) => stop(child)));
});

/** `npm start`, without npm. */
async function start(
  startArguments: readonly string[],
  settings: Readonly<Record<string, string>> = {},
) {
  const child = spawn(process.execPath, ['tools/run.mjs', 'start', ...startArguments], {
    env: { PATH: process.env['PATH'], ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const isUp = () => output.match(/^ {2}curl .+\n/gm)?.length === 3;
  await expect.poll(() => isUp() || child.exitCode !== null, { timeout: 40_000 }).toBe(true);
  const url = /Smart Router is at (\S+)/.exec(output)?.[1] ?? '';
  return { child, url, output: () => output };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

it('serves the whole job, and several side by side', async () => {
  const [one, two] = await Promise.all([start(['--port', '0']), start(['--port', '0'])]);
  expect(one.url).not.toBe(two.url);
  for (const { url } of [one, two]) {
    const ready = await (await fetch(`${url}/ready`)).json();
    expect(ready).toMatchObject({ status: 'ready' });
    const { body } = await post(url + ROUTED, { prompt: 'Hi' });
    expect(body.response).toContain('simulated answer');
  }
});

it('ends cleanly when it is told to, and takes its services with it when it is killed', async () => {
  const first = await start(['--port', '0']);
  await stop(first.child);
  expect(first.child.exitCode).toBe(0);
  await expect(fetch(`${first.url}/health`)).rejects.toThrow();

  const second = await start(['--port', '0']);
  const simulator = /simulated at ([^;]+);/.exec(second.output())?.[1] ?? '';
  expect((await fetch(`${simulator}/v1/models`)).status).toBe(200);
  second.child.kill('SIGKILL');
  await once(second.child, 'exit');
  const isGone = () =>
    fetch(`${simulator}/v1/models`).then(
      () => false,
      () => true,
    );
  await expect.poll(isGone, { timeout: 10_000 }).toBe(true);
});

it('keeps the tables in the folder that --data names', async () => {
  const [folder, scorer] = await Promise.all([
    mkdtemp(join(tmpdir(), 'smart-router-data-')),
    importSyntheticScorer(),
  ]);
  const settings = { MODELS_FOLDER: scorer.modelsFolder, ROUTER_SCORER: 'routellm' };
  const caches: (string | null)[] = [];
  for (let run = 0; run < 2; run += 1) {
    const { child, url } = await start(['--port', '0', '--data', folder], settings);
    expect(await (await fetch(`${url}/ready`)).json()).toMatchObject({ tables: { state: 'ok' } });
    const { headers } = await post(url + ROUTED, { prompt: 'Kept' });
    caches.push(headers.get('x-smart-router-embedding-cache'));
    await stop(child);
    expect(child.exitCode).toBe(0);
  }
  expect(caches).toEqual(['miss', 'hit']);
  await Promise.all([rm(folder, { recursive: true }), scorer.remove()]);
});

it('says what is wrong with the settings and ends with 1', async () => {
  const { child, output } = await start(['--port', '0'], { ROUTER_THRESHOLD: '7' });
  expect(child.exitCode).toBe(1);
  expect(output()).toContain('ROUTER_THRESHOLD must be a number between 0 and 1, got "7"');
});

it('refuses a wrong port with 2', async () => {
  const { child, output } = await start(['--port', 'http']);
  expect(child.exitCode).toBe(2);
  expect(output()).toContain('--port');
});
