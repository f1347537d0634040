import { expect, it } from 'vitest';
import { UNKNOWN_MODEL } from '../../shared/capabilities/capabilities.ts';
import { createReadiness } from '../../shared/readiness.ts';
import type { Upstream } from '../../shared/upstream/upstream.ts';

let probes = 0;

function upstream(name: string, probe: () => Promise<number>): Upstream {
  return {
    deployment: {
      name,
      modelName: name,
      endpoint: '',
      apiStyle: 'azure',
      apiVersion: '',
      capabilities: UNKNOWN_MODEL,
    },
    send: () => Promise.reject(new Error('not used')),
    state: () => ({ circuit: 'closed', in_flight: 0, queued: 0 }),
    probe: () => {
      probes += 1;
      return probe();
    },
  };
}

const options = { scorer: 'local@1', embedder: 'local/2' };

it.each([
  [200, 'ok', 'ready'],
  [400, 'ok', 'ready'],
  [422, 'ok', 'ready'],
  [429, 'ok', 'ready'],
  [401, 'unauthorized', 'unavailable'],
  [403, 'unauthorized', 'unavailable'],
  [404, 'not-found', 'unavailable'],
  [410, 'not-found', 'unavailable'],
  [302, 'failing', 'unavailable'],
  [405, 'failing', 'unavailable'],
  [503, 'failing', 'unavailable'],
])('a deployment that answers %d is %s', async (answered, state, status) => {
  const deployments = [upstream('strong', async () => answered)];
  const readiness = await createReadiness({ ...options, deployments })();
  expect(readiness).toMatchObject({ status, deployments: [{ name: 'strong', state }] });
});

it('embeddings or tables that are down leave it degraded', async () => {
  const deployments = [upstream('strong', async () => 400)];
  const down = () => Promise.reject(new Error('down'));
  const embedding = upstream('embedding', down);
  expect(await createReadiness({ ...options, deployments, embedding })()).toMatchObject({
    status: 'degraded',
    embeddings: { state: 'unreachable' },
  });
  expect(await createReadiness({ ...options, deployments, probeTables: down })()).toMatchObject({
    status: 'degraded',
    tables: { state: 'unreachable' },
  });
});

it('asks once for all who want to know within five seconds', async () => {
  let now = 0;
  const deployments = [upstream('strong', async () => 400)];
  const check = createReadiness({ ...options, deployments, now: () => now });
  probes = 0;
  await Promise.all([check(), check()]);
  now = 4_999;
  await check();
  expect(probes).toBe(1);
  now = 5_000;
  await check();
  expect(probes).toBe(2);
});
