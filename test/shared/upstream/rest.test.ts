import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createUpstream,
  outcome,
  request,
  startScriptedDeployment,
  status,
} from '../../support/scripted-deployment.ts';

// Only the clocks of rests are faked: sockets and timers run as usual.
const NOW = Date.parse('2026-11-24T10:00:00Z');
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

const RETRY_AFTER: readonly [Record<string, string>, number | undefined][] = [
  [{ 'retry-after-ms': '1500' }, 1_500],
  [{ 'retry-after-ms': '0.5' }, 1],
  [{ 'retry-after': '2' }, 2_000],
  [{ 'retry-after': '1.5' }, 1_500],
  [{ 'retry-after': 'Tue, 24 Nov 2026 10:00:05 GMT' }, 5_000],
  // The finer header counts, unless it is unusable.
  [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
  [{ 'retry-after-ms': 'soon', 'retry-after': '9' }, 9_000],
  [{ 'retry-after-ms': '0', 'retry-after': '9' }, 9_000],
  // A rest lasts at most a minute.
  [{ 'retry-after': '3600' }, 60_000],
  [{ 'retry-after': 'Wed, 25 Nov 2026 10:00:00 GMT' }, 60_000],
  [{}, undefined],
  [{ 'retry-after': '0' }, undefined],
  [{ 'retry-after': '-1' }, undefined],
  [{ 'retry-after': '' }, undefined],
  [{ 'retry-after': 'Infinity' }, undefined],
  [{ 'retry-after': 'later' }, undefined],
  [{ 'retry-after': 'Tue, 24 Nov 2026 09:59:59 GMT' }, undefined],
  [{ 'retry-after': '2, 3' }, undefined],
];

describe('a deployment that answers 429', () => {
  test.each(RETRY_AFTER)('with %j rests for %s ms', async (headers, restMs) => {
    const server = await startScriptedDeployment(status(429, headers));
    const upstream = createUpstream(server);
    expect(await outcome(upstream)).toBe(429);
    expect(upstream.state().resting_ms).toBe(restMs);
    server.answer = status(200);
    expect(await outcome(upstream)).toBe(restMs === undefined ? 200 : 'deployment_resting');
  });

  test('is asked again when its rest is over', async () => {
    const server = await startScriptedDeployment(status(429, { 'retry-after': '2' }));
    const upstream = createUpstream(server);
    await outcome(upstream);
    server.answer = status(200);
    vi.advanceTimersByTime(1_999);
    await expect(upstream.send(request())).rejects.toMatchObject({
      status: 429,
      code: 'deployment_resting',
      headers: { 'retry-after': '1', 'retry-after-ms': '1' },
      message: expect.stringContaining('weak'),
    });
    expect(server.calls).toBe(1);
    vi.advanceTimersByTime(1);
    expect(await outcome(upstream)).toBe(200);
    expect(upstream.state()).toEqual({ circuit: 'closed', in_flight: 0, queued: 0 });
  });

  test('rests as long as it asked for when the time of day is set back', async () => {
    const server = await startScriptedDeployment(status(429, { 'retry-after': '2' }));
    const upstream = createUpstream(server);
    await outcome(upstream);
    vi.setSystemTime(NOW - 3_600_000);
    expect(upstream.state().resting_ms).toBe(2_000);
    vi.advanceTimersByTime(2_000);
    expect(upstream.state()).not.toHaveProperty('resting_ms');
  });

  test('rests although a call from before succeeds, and for the longest time asked for', async () => {
    const waiting: ServerResponse[] = [];
    const server = await startScriptedDeployment((response) => waiting.push(response));
    const upstream = createUpstream(server);
    const calls = [outcome(upstream), outcome(upstream), outcome(upstream)];
    await expect.poll(() => waiting.length).toBe(3);
    const scripts = [{ 'retry-after': '5' }, { 'retry-after': '1' }].map((one) => status(429, one));
    for (const script of [...scripts, status(200)]) {
      const response = waiting.shift();
      if (response) script(response);
      await Promise.race(calls);
    }
    expect((await Promise.all(calls)).sort()).toEqual([200, 429, 429]);
    expect(upstream.state().resting_ms).toBe(5_000);
  });

  test('can be probed meanwhile', async () => {
    const server = await startScriptedDeployment(status(429, { 'retry-after': '5' }));
    const upstream = createUpstream(server);
    await outcome(upstream);
    expect(await upstream.probe('chat/completions', AbortSignal.timeout(5_000))).toBe(400);
  });
});

test('retry-after of an overloaded deployment (503) asks for a rest, too', async () => {
  const upstream = createUpstream(
    await startScriptedDeployment(status(503, { 'retry-after': '5' })),
  );
  expect(await outcome(upstream)).toBe(503);
  expect(upstream.state()).toHaveProperty('resting_ms');
});

test('retry-after of any other answer than 429 and 503 asks for no rest', async () => {
  const upstream = createUpstream(
    await startScriptedDeployment(status(500, { 'retry-after': '5' })),
  );
  expect(await outcome(upstream)).toBe(500);
  expect(upstream.state()).not.toHaveProperty('resting_ms');
});
