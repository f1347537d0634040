import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { ROUTED, type Router, startRouter } from '../support/router.ts';

function start(): Promise<Router> {
  return startRouter({ hangMs: 60_000 });
}

function ask(url: string, prompt: string, stream: boolean): Promise<Response> {
  return fetch(url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, stream, routing: { threshold: 1 } }),
  });
}

function lastEvent(text: string): string {
  return text.trim().split('\n\n').at(-1) ?? '';
}

/** A request whose host waits for the rest of its body. */
async function beginUpload(url: string, body: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, -1)}`,
  );
  await once(socket, 'connect');
  await setTimeout(100);
  return socket;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('completes requests that can finish, ends the others with an error, and exits within the host’s 5 s', async () => {
  const router = await start();
  const pid = router.workerPid();
  const endless = (await ask(router.url, '[sim:chunks:100000:20]', true)).text();
  const short = (await ask(router.url, '[sim:chunks:20:50]', true)).text();
  const plain = ask(router.url, '[sim:stall:0]', false);
  const late = await beginUpload(router.url, '{"prompt":"Hi"}');
  await expect.poll(() => router.simulator.requests.length).toBe(3);

  const closed = router.close();
  // Requests sent after this reach the app after its signal to end.
  await setTimeout(200);
  late.write('}');
  const [refused] = (await once(late, 'data')) as [Buffer];
  expect(String(refused)).toMatch(/^HTTP\/1.1 503 /);
  expect(String(refused)).toMatch(/\r\nretry-after: 1\r\n/i);
  expect(String(refused)).toContain('"code":"shutting_down"');

  expect(await short).toContain('data: [DONE]');
  const streamed = await endless;
  expect(JSON.parse(lastEvent(streamed).slice('data: '.length))).toEqual({
    error: {
      message: expect.stringContaining('shutting down'),
      type: 'server_error',
      param: null,
      code: 'shutting_down',
    },
  });
  expect(streamed).not.toContain('[DONE]');
  const answer = await plain;
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await answer.json()).toMatchObject({ error: { code: 'shutting_down' } });

  // The host kills an app that takes longer: such an app would not log its end.
  await closed;
  expect(isRunning(pid)).toBe(false);
  const lines = router.output().trim().split('\n');
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ event: 'shutdown-done', callsEnded: 2 });
});

test.skipIf(process.platform === 'win32')(
  'ends in order on Ctrl+C, which every process of the terminal gets',
  async () => {
    const child = spawn(process.execPath, ['tools/run.mjs', 'start', '--port', '0'], {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
      // The command gets its own process group, as in a terminal.
      detached: true,
    });
    const group = -(child.pid ?? 0);
    onTestFinished(() => {
      if (child.exitCode === null) process.kill(group, 'SIGKILL');
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += String(chunk);
      });
    }
    const url = () => /Smart Router is at (\S+)/.exec(output)?.[1];
    await expect.poll(url).toBeDefined();
    const endless = (await ask(url() ?? '', '[sim:chunks:100000:20]', true)).text();
    process.kill(group, 'SIGINT');
    // npm passes on the signals that it receives as well.
    await setTimeout(100);
    process.kill(group, 'SIGINT');
    expect(lastEvent(await endless)).toContain('"code":"shutting_down"');
    await once(child, 'exit');
    expect(child.exitCode).toBe(0);
    expect(output).toContain('"event":"shutdown-done"');
  },
);

test('does not wait when there is nothing to wait for', async () => {
  const router = await start();
  await (await ask(router.url, 'Hi', true)).text();
  await (await ask(router.url, 'Hi', false)).text();
  await router.close();
  const lines = router.output().trim().split('\n');
  const done = JSON.parse(lines.at(-1) ?? '');
  expect(done).toMatchObject({ event: 'shutdown-done', callsEnded: 0 });
  // This is the grace period of calls in progress.
  expect(done.totalMs).toBeLessThan(3_000);
});
