import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CallEndedError } from '../../../shared/base/errors.ts';
import { createUpstreams } from '../../../shared/upstream/create-upstreams.ts';
import type { Upstream } from '../../../shared/upstream/upstream.ts';
import {
  createUpstream,
  cut,
  hang,
  limits,
  outcome,
  request,
  startScriptedDeployment,
  status,
  stream,
} from '../../support/scripted-deployment.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** Ends calls when a test says so. */
function createEnd(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

const codeOf = (error: { readonly code?: unknown }) => error.code;

/** Makes a call that holds the deployment's only slot until the returned function is called. */
async function holdSlot(upstream: Upstream): Promise<() => void> {
  const { body } = await upstream.send(request());
  expect(upstream.state()).toMatchObject({ in_flight: 1, queued: 0 });
  return () => body.destroy();
}

describe('a deployment that hangs', () => {
  test('is called as often as allowed; some calls wait a second, and all others are refused immediately', async () => {
    const server = await startScriptedDeployment(hang);
    const upstream = createUpstream(server, { maxConcurrentCalls: 8, maxQueuedCalls: 8 });
    const controller = new AbortController();
    const queuedThen: number[] = [];
    const calls = Array.from({ length: 200 }, () =>
      upstream.send(request(controller.signal)).catch((error) => {
        queuedThen.push(upstream.state().queued);
        return error;
      }),
    );
    expect(upstream.state()).toEqual({ circuit: 'closed', in_flight: 8, queued: 8 });
    await expect.poll(() => queuedThen.length).toBe(192);
    // Those that are shed wait for none of those in the queue.
    expect(queuedThen.slice(0, 184)).toEqual(new Array(184).fill(8));
    expect(upstream.state()).toEqual({ circuit: 'closed', in_flight: 8, queued: 0 });
    expect(server).toMatchObject({ calls: 8, connections: 8 });
    controller.abort();
    const errors = await Promise.all(calls);
    expect(errors.filter((error) => codeOf(error) === 'upstream_timeout')).toHaveLength(8);
    const busy = errors.filter((error) => codeOf(error) === 'deployment_busy');
    expect(busy).toHaveLength(192);
    expect(busy[0]).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1', 'retry-after-ms': '1000' },
      message: expect.stringContaining('MAX_CONCURRENT_CALLS'),
    });
    expect(upstream.state()).toMatchObject({ in_flight: 0, queued: 0 });
  });

  test('takes nothing from another one at the same address', async () => {
    const server = await startScriptedDeployment(hang);
    const create = createUpstreams(async () => 'token', { ...limits, maxConcurrentCalls: 40 });
    const [one, other] = [create(server.deployment), create(server.deployment)];
    const { signal, abort } = createEnd();
    const sent = [one, other].flatMap((upstream) =>
      Array.from({ length: 40 }, () => upstream.send(request(signal)).catch(codeOf)),
    );
    // No call waits for another one's connection.
    await expect.poll(() => server.calls).toBe(80);
    abort();
    await Promise.all(sent);
  });
});

describe('a slot', () => {
  const one = { maxConcurrentCalls: 1, maxQueuedCalls: 1 };

  test('is held until the body has ended, and then goes to the next call', async () => {
    const open: ServerResponse[] = [];
    const server = await startScriptedDeployment((response) => {
      response.writeHead(200).flushHeaders();
      open.push(response);
    });
    const upstream = createUpstream(server, one);
    const { body } = await upstream.send(request());
    const next = outcome(upstream);
    expect(upstream.state()).toMatchObject({ in_flight: 1, queued: 1 });
    expect(server.calls).toBe(1);
    server.answer = status(200);
    open[0]?.end('{}');
    for await (const _ of body);
    expect(await next).toBe(200);
    expect(upstream.state()).toMatchObject({ in_flight: 0, queued: 0 });
  });

  test('is held by a stream that goes on, and free when its reader destroys it', async () => {
    const server = await startScriptedDeployment(stream);
    const upstream = createUpstream(server, one);
    const letGo = await holdSlot(upstream);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(upstream.state().in_flight).toBe(1);
    letGo();
    await expect.poll(() => upstream.state().in_flight).toBe(0);
  });

  test('is free when the reader stops in the middle', async () => {
    const upstream = createUpstream(await startScriptedDeployment(stream), one);
    const { body } = await upstream.send(request());
    for await (const _ of body) break;
    await expect.poll(() => upstream.state().in_flight).toBe(0);
  });

  test('is free when the call is ended, before and after the headers', async () => {
    const server = await startScriptedDeployment(hang);
    const upstream = createUpstream(server, one);
    const controller = new AbortController();
    const ended = upstream.send(request(controller.signal)).catch(codeOf);
    await expect.poll(() => server.calls).toBe(1);
    controller.abort(new CallEndedError('client_gone'));
    expect(await ended).toBe('client_gone');
    await expect.poll(() => upstream.state().in_flight).toBe(0);

    server.answer = stream;
    const other = new AbortController();
    await upstream.send(request(other.signal));
    other.abort(new CallEndedError('client_gone'));
    await expect.poll(() => upstream.state().in_flight).toBe(0);
  });

  test('is free when the connection breaks, before and after the headers', async () => {
    const server = await startScriptedDeployment(cut);
    const upstream = createUpstream(server, one);
    expect(await outcome(upstream)).toBe('upstream_unreachable');
    await expect.poll(() => upstream.state().in_flight).toBe(0);
    server.answer = (response) => {
      stream(response);
      setTimeout(() => response.socket?.destroy(), 20);
    };
    await upstream.send(request());
    await expect.poll(() => upstream.state().in_flight).toBe(0);
  });

  test('is free when there is no token, when the answer is refused, and when the circuit is open', async () => {
    const server = await startScriptedDeployment(status(200, { 'content-encoding': 'x' }));
    const upstream = createUpstream(server, { ...one, circuitFailures: 1 });
    expect(await outcome(upstream)).toBe('upstream_invalid');
    expect(await outcome(upstream)).toBe('circuit_open');
    const { apiKey: _, ...keyless } = server.deployment;
    const getToken = () => Promise.reject(new Error('none'));
    const tokenless = createUpstreams(getToken, { ...limits, ...one })(keyless);
    expect(await outcome(tokenless)).toBe('upstream_unreachable');
    for (const { state } of [upstream, tokenless]) {
      await expect.poll(() => state().in_flight).toBe(0);
    }
  });

  test('is taken once by each of many calls in turn', async () => {
    const server = await startScriptedDeployment((response) =>
      setTimeout(() => status(200)(response), 2),
    );
    const upstream = createUpstream(server, { maxConcurrentCalls: 4, maxQueuedCalls: 96 });
    const answers = await Promise.all(Array.from({ length: 100 }, () => outcome(upstream)));
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(server.calls).toBe(100);
    // A slot is free a moment before its connection can be used again.
    expect(server.connections).toBeLessThanOrEqual(8);
    await expect.poll(() => upstream.state().in_flight).toBe(0);
  });
});

describe('a call in the queue', () => {
  test('leaves it immediately when it is ended, and its place is free', async () => {
    const server = await startScriptedDeployment(stream);
    const upstream = createUpstream(server, { maxConcurrentCalls: 1, maxQueuedCalls: 1 });
    const letGo = await holdSlot(upstream);
    const controller = new AbortController();
    const left = upstream.send(request(controller.signal)).catch(codeOf);
    expect(upstream.state().queued).toBe(1);
    controller.abort(new CallEndedError('client_gone'));
    expect(upstream.state().queued).toBe(0);
    expect(await left).toBe('client_gone');
    const { signal, abort } = createEnd();
    const next = outcome(upstream, signal);
    expect(upstream.state().queued).toBe(1);
    letGo();
    await expect.poll(() => server.calls).toBe(2);
    abort();
    expect(await next).toBe('upstream_timeout');
    expect(server.calls).toBe(2);
  });

  test('whose time is over leaves it with a 504', async () => {
    const server = await startScriptedDeployment(stream);
    const upstream = createUpstream(server, { maxConcurrentCalls: 1, maxQueuedCalls: 1 });
    const letGo = await holdSlot(upstream);
    expect(await outcome(upstream, AbortSignal.timeout(50))).toBe('upstream_timeout');
    letGo();
  });

  test('is not sent when the deployment has asked for a pause meanwhile', async () => {
    const server = await startScriptedDeployment((response) =>
      setTimeout(() => status(429, { 'retry-after': '7' })(response), 50),
    );
    const upstream = createUpstream(server, { maxConcurrentCalls: 1, maxQueuedCalls: 1 });
    const codes = await Promise.all([outcome(upstream), outcome(upstream)]);
    expect(codes).toEqual([429, 'deployment_resting']);
    expect(server.calls).toBe(1);
  });

  test('is not sent when the circuit has opened meanwhile', async () => {
    const server = await startScriptedDeployment((response) =>
      setTimeout(() => status(500)(response), 50),
    );
    const only = { maxConcurrentCalls: 1, maxQueuedCalls: 1, circuitFailures: 1 };
    const upstream = createUpstream(server, only);
    const codes = await Promise.all([outcome(upstream), outcome(upstream)]);
    expect(codes).toEqual([500, 'circuit_open']);
    expect(server.calls).toBe(1);
  });

  test('does not wait when the queue has no places', async () => {
    const server = await startScriptedDeployment(stream);
    const upstream = createUpstream(server, { maxConcurrentCalls: 1, maxQueuedCalls: 0 });
    const letGo = await holdSlot(upstream);
    const refused = outcome(upstream);
    expect(upstream.state().queued).toBe(0);
    expect(await refused).toBe('deployment_busy');
    letGo();
  });
});
