import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CallEndedError } from '../../../shared/base/errors.ts';
import { readAnswer } from '../../../shared/upstream/read-answer.ts';
import type { Upstream } from '../../../shared/upstream/upstream.ts';
import {
  createUpstream,
  cut,
  hang,
  outcome,
  request,
  type ScriptedDeployment,
  stall,
  startScriptedDeployment,
  status,
  stream,
} from '../../support/scripted-deployment.ts';

// Only the circuit's clock is faked: sockets and timers run as usual.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const FAILURES = 3;
const OPEN_MS = 10_000;
const pass = (ms: number) => vi.advanceTimersByTime(ms);

async function fail(upstream: Upstream, times = FAILURES, timeoutMs = 60_000): Promise<void> {
  for (let call = 0; call < times; call += 1) {
    await outcome(upstream, AbortSignal.timeout(timeoutMs));
  }
}

/** Starts a deployment that has failed until its circuit opened. */
async function startOpen(): Promise<{ server: ScriptedDeployment; upstream: Upstream }> {
  const server = await startScriptedDeployment(status(500));
  const upstream = createUpstream(server);
  await fail(upstream);
  expect(upstream.state().circuit).toBe('open');
  server.calls = 0;
  server.answer = status(200);
  return { server, upstream };
}

async function waitMsOf(upstream: Upstream): Promise<number> {
  const error: unknown = await upstream.send(request()).catch((caught: unknown) => caught);
  const { headers } = error as { readonly headers: Record<string, string> };
  return Number(headers['retry-after-ms']);
}

/** Makes a call that is ended from this side once the deployment has received it. */
async function sendAndEnd(server: ScriptedDeployment, upstream: Upstream): Promise<unknown> {
  const controller = new AbortController();
  const before = server.calls;
  const ended = upstream.send(request(controller.signal)).catch((caught: unknown) => caught);
  await expect.poll(() => server.calls, { interval: 2 }).toBe(before + 1);
  controller.abort(new CallEndedError('client_gone'));
  return ended;
}

describe('a circuit opens', () => {
  test.each([
    ['answers 500', status(500)],
    ['answers 503', status(503)],
    ['answers 404', status(404)],
    ['answers 408', status(408)],
    ['answers 410', status(410)],
    ['answers 302', status(302, { location: '/' })],
    ['breaks the connection', cut],
    ['does not answer in time', hang],
    ['sends nothing after its headers in time', stall],
  ])('after the configured number of failures of a deployment that %s', async (_, answer) => {
    const server = await startScriptedDeployment(answer);
    const upstream = createUpstream(server);
    // A machine under load may take a while to answer at all.
    const timeoutMs = answer === hang || answer === stall ? 500 : 60_000;
    await fail(upstream, FAILURES - 1, timeoutMs);
    expect(upstream.state().circuit).toBe('closed');
    await fail(upstream, 1, timeoutMs);
    expect(upstream.state()).toEqual({
      circuit: 'open',
      recent: { calls: FAILURES, failed: FAILURES, unclear: 0 },
      in_flight: 0,
      queued: 0,
    });
    await expect(upstream.send(request())).rejects.toMatchObject({
      status: 503,
      code: 'circuit_open',
      headers: { 'retry-after': '10', 'retry-after-ms': '10000' },
      message: expect.stringContaining('weak'),
    });
    expect(server.calls).toBe(FAILURES);
  });

  test.each([200, 400, 401, 403, 422, 429])('never because of answers %d', async (code) => {
    const server = await startScriptedDeployment(status(code));
    const upstream = createUpstream(server);
    for (let call = 0; call < 3 * FAILURES; call += 1) expect(await outcome(upstream)).toBe(code);
  });

  test('only by a share of failures: answers between them keep it closed', async () => {
    const server = await startScriptedDeployment();
    const upstream = createUpstream(server);
    for (const code of [500, 200, 200, 400, 500, 429, 200, 200, 200, 500, 500]) {
      server.answer = status(code);
      expect(await outcome(upstream)).toBe(code);
    }
    expect(upstream.state().circuit).toBe('closed');
  });

  test('not because of calls that this side ended, which do not restart the count either', async () => {
    const server = await startScriptedDeployment(hang);
    const upstream = createUpstream(server);
    for (let call = 0; call < 2 * FAILURES; call += 1) {
      expect(await sendAndEnd(server, upstream)).toMatchObject({ code: 'client_gone' });
    }
    server.answer = status(500);
    await fail(upstream, FAILURES - 1);
    server.answer = stall;
    const controller = new AbortController();
    const { body } = await upstream.send(request(controller.signal));
    body.destroy();
    const other = await upstream.send(request(controller.signal));
    controller.abort(new CallEndedError('shutting_down'));
    await expect(readAnswer(other, { maxBytes: 1e6, signal: controller.signal })).rejects.toThrow();
    expect(upstream.state().circuit).toBe('closed');
    server.answer = status(500);
    await fail(upstream, 1);
    expect(upstream.state().circuit).toBe('open');
  });

  test('not because of a stream that breaks after its first byte', async () => {
    const server = await startScriptedDeployment((response) => {
      stream(response);
      setTimeout(() => response.socket?.destroy(), 10);
    });
    const upstream = createUpstream(server);
    for (let call = 0; call < 2 * FAILURES; call += 1) {
      expect(await outcome(upstream)).toBe('upstream_incomplete');
    }
    expect(upstream.state().circuit).toBe('closed');
  });

  test('not because of a header that cannot be sent', async () => {
    const upstream = createUpstream(await startScriptedDeployment());
    for (let call = 0; call < 2 * FAILURES; call += 1) {
      const headers = { traceparent: 'two\nlines' };
      await expect(upstream.send({ ...request(), headers })).rejects.toMatchObject({ status: 502 });
    }
    expect(await outcome(upstream)).toBe(200);
  });

  test('only for its own deployment', async () => {
    const { server } = await startOpen();
    expect(await outcome(createUpstream(server))).toBe(200);
  });
});

describe('when its time is over, a circuit', () => {
  test('lets one call try, and turns all others away until that has its first byte', async () => {
    const { server, upstream } = await startOpen();
    pass(OPEN_MS);
    expect(upstream.state().circuit).toBe('half-open');
    let trial: ServerResponse | undefined;
    server.answer = (response) => {
      trial = response;
      setTimeout(() => response.writeHead(200).flushHeaders(), 50);
    };
    const sent = Array.from({ length: 10 }, () => upstream.send(request()));
    const settled = await Promise.allSettled(sent);
    const answered = settled.filter((one) => one.status === 'fulfilled');
    expect(answered).toHaveLength(1);
    for (const { reason } of settled.filter((one) => one.status === 'rejected')) {
      expect(reason).toMatchObject({ status: 503, code: 'circuit_open' });
    }
    expect(server).toMatchObject({ calls: 1, probes: 1 });
    expect(await outcome(upstream)).toBe('circuit_open');
    trial?.write('data: x\n\n');
    await expect.poll(() => upstream.state().circuit).toBe('closed');
  });

  test('turns others away immediately while the trial hangs', async () => {
    const { server, upstream } = await startOpen();
    pass(OPEN_MS);
    server.answer = hang;
    const time = new AbortController();
    const trial = outcome(upstream, time.signal);
    await expect.poll(() => server.calls).toBe(1);
    expect(await outcome(upstream)).toBe('circuit_open');
    time.abort();
    expect(await trial).toBe('upstream_timeout');
    expect(upstream.state().circuit).toBe('open');
    expect(await waitMsOf(upstream)).toBe(2 * OPEN_MS);
  });

  test.each([
    ['fails', status(503)],
    ['breaks the connection', cut],
    ['hangs', hang],
  ])('costs no call when the question before the trial %s', async (_, answerProbe) => {
    const { server, upstream } = await startOpen();
    pass(OPEN_MS);
    server.answerProbe = answerProbe;
    expect(await outcome(upstream)).toBe('circuit_open');
    expect(server.calls).toBe(0);
    expect(upstream.state().circuit).toBe('open');
    expect(await waitMsOf(upstream)).toBe(2 * OPEN_MS);
  });

  test('stays open twice as long with each failed trial, a minute at most, until it has closed', async () => {
    const { server, upstream } = await startOpen();
    for (const expected of [20_000, 40_000, 60_000, 60_000]) {
      server.answer = status(500);
      pass(await waitMsOf(upstream));
      expect(await outcome(upstream)).toBe(500);
      expect(await waitMsOf(upstream)).toBe(expected);
      pass(expected - 1);
      expect(await outcome(upstream)).toBe('circuit_open');
    }
    pass(1);
    server.answer = status(200);
    expect(await outcome(upstream)).toBe(200);
    expect(upstream.state().circuit).toBe('closed');
    server.answer = status(500);
    await fail(upstream);
    expect(await waitMsOf(upstream)).toBe(OPEN_MS);
  });

  test('gives the trial to the next call when this side ended the first', async () => {
    const { server, upstream } = await startOpen();
    pass(OPEN_MS);
    server.answer = hang;
    for (let trial = 0; trial < 3; trial += 1) {
      expect(await sendAndEnd(server, upstream)).toMatchObject({ code: 'client_gone' });
      expect(upstream.state().circuit).toBe('half-open');
    }
    server.answer = status(200);
    expect(await outcome(upstream)).toBe(200);
    expect(upstream.state().circuit).toBe('closed');
  });

  test('closes for a deployment that is alive and refuses the trial', async () => {
    const { server, upstream } = await startOpen();
    pass(OPEN_MS);
    server.answer = status(429);
    expect(await outcome(upstream)).toBe(429);
    expect(upstream.state().circuit).toBe('closed');
  });
});
