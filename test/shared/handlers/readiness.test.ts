import { expect, test } from 'vitest';
import { UNKNOWN_MODEL } from '../../../shared/capabilities/capabilities.ts';
import { createReadiness } from '../../../shared/handlers/readiness.ts';
import type { Upstream, UpstreamState } from '../../../shared/upstream/upstream.ts';

let probes = 0;

const well: UpstreamState = { circuit: 'closed', in_flight: 0, queued: 0 };

function upstream(
  name: string,
  probe: () => Promise<number>,
  state: () => UpstreamState = () => well,
): Upstream {
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
    state,
    probe: () => {
      probes += 1;
      return probe();
    },
  };
}

const options = {
  scorer: 'local@1',
  embedder: 'local/2',
  getRegistry: () => ({ state: 'not-used', problems: [] }) as const,
  getJobs: () => [],
  isDraining: () => false,
};

test.each([
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
  const readiness = await createReadiness({ ...options, getDeployments: () => deployments })();
  expect(readiness).toMatchObject({ status, deployments: [{ name: 'strong', state }] });
});

test.each([
  ['both answer', [400, 400], 'ready'],
  ['one is down: the other answers in its place', [503, 400], 'degraded'],
  ['one is not there', [400, 404], 'degraded'],
  ['both are down', [503, 401], 'unavailable'],
])('of two deployments, %s', async (_, answers, status) => {
  const deployments = answers.map((code) => upstream(`answers ${code}`, async () => code));
  expect(await createReadiness({ ...options, getDeployments: () => deployments })()).toMatchObject({
    status,
  });
});

test.each([
  ['open', 'open', 'unavailable'],
  ['open', 'closed', 'degraded'],
  // Who takes traffic away from an instance whose circuits are half-open keeps them so.
  ['half-open', 'open', 'degraded'],
  ['half-open', 'half-open', 'ready'],
] as const)('with circuits that are %s and %s it is %s', async (one, other, status) => {
  const deployments = [one, other].map((circuit) =>
    upstream(
      'strong',
      async () => 400,
      () => ({ ...well, circuit }),
    ),
  );
  expect(await createReadiness({ ...options, getDeployments: () => deployments })()).toMatchObject({
    status,
  });
});

test('shows how each deployment fares at the moment, however old its probe is', async () => {
  let state: UpstreamState = well;
  const deployments = [
    upstream(
      'strong',
      async () => 400,
      () => state,
    ),
  ];
  const check = createReadiness({ ...options, getDeployments: () => deployments, now: () => 0 });
  expect((await check()).deployments).toEqual([{ name: 'strong', state: 'ok', ...well }]);
  state = { circuit: 'open', resting_ms: 1_500, in_flight: 3, queued: 2 };
  expect(await check()).toMatchObject({
    status: 'unavailable',
    deployments: [{ name: 'strong', state: 'ok', ...state }],
  });
});

test('embeddings that are left alone leave it degraded', async () => {
  const deployments = [upstream('strong', async () => 400)];
  const embeddingCircuit = { state: () => 'open' as const };
  const check = createReadiness({
    ...options,
    getDeployments: () => deployments,
    embeddingCircuit,
  });
  expect(await check()).toMatchObject({ status: 'degraded', embeddings: { circuit: 'open' } });
});

test('embeddings or tables that are down leave it degraded', async () => {
  const deployments = [upstream('strong', async () => 400)];
  const down = () => Promise.reject(new Error('down'));
  const embedding = upstream('embedding', down);
  expect(
    await createReadiness({ ...options, getDeployments: () => deployments, embedding })(),
  ).toMatchObject({
    status: 'degraded',
    embeddings: { state: 'unreachable' },
  });
  expect(
    await createReadiness({ ...options, getDeployments: () => deployments, probeTables: down })(),
  ).toMatchObject({
    status: 'degraded',
    tables: { state: 'unreachable' },
  });
});

test('an instance that is about to end says so, without another probe', async () => {
  let isDraining = false;
  let now = 0;
  const deployments = [upstream('strong', async () => 400)];
  const check = createReadiness({
    ...options,
    getDeployments: () => deployments,
    isDraining: () => isDraining,
    now: () => now,
  });
  expect(await check()).toMatchObject({ status: 'ready' });
  probes = 0;
  now = 60_000;
  isDraining = true;
  expect(await check()).toMatchObject({ status: 'draining' });
  expect(probes).toBe(0);
});

test('asks once for all who want to know within five seconds', async () => {
  let now = 0;
  const deployments = [upstream('strong', async () => 400)];
  const check = createReadiness({ ...options, getDeployments: () => deployments, now: () => now });
  probes = 0;
  await Promise.all([check(), check()]);
  now = 4_999;
  await check();
  expect(probes).toBe(1);
  now = 5_000;
  await check();
  expect(probes).toBe(2);
});
