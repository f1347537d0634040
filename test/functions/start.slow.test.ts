import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
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
    // A group of processes of its own, which a terminal would give it.
    detached: true,
  });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const isUp = () => output.match(/^ {2}curl .+\n/gm)?.length === 3;
  await expect.poll(() => isUp() || child.exitCode !== null).toBe(true);
  const url = /Smart Router is at (\S+)/.exec(output)?.[1] ?? '';
  return { child, url, output: () => output };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function isGone(url: string): Promise<boolean> {
  return fetch(url).then(
    () => false,
    () => true,
  );
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return rows.flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('serves the whole job, and several side by side', async () => {
  const [one, two] = await Promise.all([start(['--port', '0']), start(['--port', '0'])]);
  expect(one.url).not.toBe(two.url);
  for (const { url } of [one, two]) {
    const ready = await (await fetch(`${url}/ready`)).json();
    expect(ready).toMatchObject({ status: 'ready' });
    const { body } = await post(url + ROUTED, { prompt: 'Hi' });
    expect(body.response).toContain('simulated answer');
  }
});

test('has an hour of requests to show with --demo, which it refuses when keys are configured', async () => {
  const { url } = await start(['--port', '0', '--demo']);
  const page = await fetch(`${url}/dashboard`);
  expect(await page.text()).toContain('<title>Smart Router</title>');
  const from = new Date(Date.now() - 3_600_000).toISOString();
  const stats = await (await fetch(`${url}/llm/stats?from=${from}&by=use_case`)).json();
  expect(stats).toMatchObject({
    data: [{ key: 'coding' }, { key: 'extraction' }, { key: 'support' }, { key: 'writing' }],
  });
  const { total } = stats as { total: { requests: number; savings: number } };
  expect(total.requests).toBeGreaterThan(2_000);
  expect(total.savings).toBeGreaterThan(0);
  const keys = { ROUTER_API_KEYS: `one=${'0'.repeat(64)}` };
  const { child, output } = await start(['--port', '0', '--demo'], keys);
  expect(output()).toContain('unset');
  expect(child.exitCode).toBe(1);
});

test('ends cleanly when it is told to, and takes its services with it when it is killed', async () => {
  const first = await start(['--port', '0']);
  await stop(first.child);
  expect(first.child.exitCode).toBe(0);
  await expect(fetch(`${first.url}/health`)).rejects.toThrow();

  const second = await start(['--port', '0']);
  const simulator = /simulated at ([^;]+);/.exec(second.output())?.[1] ?? '';
  expect((await fetch(`${simulator}/v1/models`)).status).toBe(200);
  const children = await childrenOf(second.child.pid ?? 0);
  expect(children.length).toBeGreaterThanOrEqual(2);
  second.child.kill('SIGKILL');
  await once(second.child, 'exit');
  await expect.poll(() => isGone(`${simulator}/v1/models`)).toBe(true);
  // The worker and Azurite are separate processes.
  for (const pid of children) await expect.poll(() => isRunning(pid)).toBe(false);
});

test.skipIf(process.platform === 'win32')(
  'writes its last decisions at Ctrl+C, which a terminal sends to all of its processes',
  async () => {
    const { child, url, output } = await start(['--port', '0']);
    await post(url + ROUTED, { prompt: 'Hi' });
    process.kill(-(child.pid ?? 0), 'SIGINT');
    await once(child, 'exit');
    expect(output()).toContain('"event":"shutdown-done"');
    expect(output()).not.toContain('background-work-failed');
  },
);

describe.skipIf(process.platform === 'win32')('npm', () => {
  test('takes all of it along when it is told to end, without passing the signal on', async () => {
    const npm = spawn('npm', ['start', '--', '--port', '0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    npm.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    const url = () => /Smart Router is at (\S+)/.exec(output)?.[1];
    await expect.poll(url).toBeDefined();
    npm.kill('SIGTERM');
    await expect.poll(() => isGone(`${url()}/health`)).toBe(true);
  });
});

test('keeps the tables in the folder that --data names', async () => {
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

test('says what is wrong with the settings and ends with 1', async () => {
  const { child, output } = await start(['--port', '0'], { ROUTER_THRESHOLD: '7' });
  expect(child.exitCode).toBe(1);
  expect(output()).toContain('ROUTER_THRESHOLD must be a number between 0 and 1, got "7"');
});

test('refuses a wrong port, a taken one and an unknown option with 2', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  for (const [options, message] of [
    [['--port', 'http'], '--port must be'],
    [['--port', String(port)], `Port ${port} is taken`],
    [['--bogus'], '--bogus'],
  ] as const) {
    const { child, output } = await start(options);
    expect(child.exitCode).toBe(2);
    expect(output()).toContain(message);
    expect(output().trim().split('\n')).toHaveLength(1);
  }
  taken.close();
});
