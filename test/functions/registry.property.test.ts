import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeStorageAccount } from '../support/azurite.ts';
import { propertyRuns } from '../support/property-runs.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const azurite = takeStorageAccount();
let router: Router;
beforeAll(async () => {
  router = await startRouter({
    settings: {
      TABLES_CONNECTION_STRING: azurite.connectionString,
      UPSTREAM_KEY_SIM: 'key-of-the-simulator',
      LOG_LEVEL: 'error',
    },
  });
});
afterAll(async () => {
  await router.close();
});

/** Parts of definitions, valid and invalid, and unrelated values. */
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    ...[0, 1, -1, 1e308, 5e-324, '', 'weak', 'gpt-4o', 'mixtral-8x7b', null, true, false, []],
    ...[
      'http://127.0.0.1:1',
      'https://x.openai.azure.com',
      { type: 'settings' },
      { input: 1, output: 1 },
    ],
    ...[{ type: 'app_setting', name: 'UPSTREAM_KEY_SIM' }, { type: 'managed_identity' }],
  ),
);
const field = fc.oneof(
  fc.constantFrom(
    ...['endpoint', 'deployment', 'model', 'api_style', 'auth', 'price', 'capabilities'],
    ...['scorer_model', 'enabled', 'weight', 'tags', 'context_window', 'name', 'version', 'object'],
    ...['models', 'threshold', 'mode', 'price_ceiling', 'daily_budget', '__proto__', 'constructor'],
  ),
  fc.string({ maxLength: 12 }),
);
const body = fc.oneof(
  fc
    .dictionary(field, value, { maxKeys: 8, noNullPrototype: true })
    .map((one) => JSON.stringify(one)),
  fc.jsonValue().map((one) => JSON.stringify(one)),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const name = fc.oneof(
  fc.constantFrom(
    'strong',
    'weak',
    'mid',
    'batch',
    '..',
    '%2e%2e',
    '%2f',
    '%00',
    "a'b",
    'a|b',
    '*',
  ),
  fc.string({ maxLength: 20 }).map(encodeURIComponent),
);
const request = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'PATCH', 'DELETE', 'POST'),
  kind: fc.constantFrom('deployments', 'use-cases'),
  name,
  more: fc.constantFrom(
    '',
    '',
    '/history',
    '/rollback',
    '?dry_run=true',
    '?dry_run=true&probe=true',
    '?probe=x',
  ),
  body,
  match: fc.option(fc.constantFrom('"1"', '"2"', '*', 'W/"1"', 'x', '""')),
});

describe('whatever is sent to the registry', () => {
  test('is answered without a failure, and leaves a router that answers', async () => {
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(request, async (one) => {
        const hasBody = one.method !== 'GET' && one.method !== 'DELETE';
        const response = await fetch(`${router.url}/llm/${one.kind}/${one.name}${one.more}`, {
          method: one.method,
          headers: {
            'content-type': 'application/json',
            ...(one.match !== null && { 'if-match': one.match }),
          },
          ...(hasBody && { body: one.body }),
        });
        const text = await response.text();
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        expect(response.status, `${JSON.stringify(one)}: ${text}`).toBeLessThan(500);
        if (text !== '') expect(JSON.parse(text)).toEqual(expect.any(Object));
        expect(text).not.toContain('simulated"');
      }),
      propertyRuns(300),
    );
    // They include valid and invalid requests.
    expect(statuses.get(200) ?? 0).toBeGreaterThan(0);
    expect(statuses.get(400) ?? 0).toBeGreaterThan(0);
    const list = await fetch(`${router.url}/llm/deployments`);
    const { data } = (await list.json()) as { data: readonly { name: string }[] };
    expect(data.map((one) => one.name)).toEqual(expect.arrayContaining(['strong', 'weak']));
    expect((await post(router.url + ROUTED, { prompt: 'Hi' })).status).toBe(200);
    const ready = await fetch(`${router.url}/ready`);
    expect(await ready.json()).toMatchObject({ registry: { state: 'ok', problems: [] } });
  }, 120_000);
});
