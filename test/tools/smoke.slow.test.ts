import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SUBSCRIPTION, startFakeArm } from '../fakes/fake-arm.ts';
import { createFakeAzd } from '../fakes/fake-azd.ts';
import { type FakeGateway, startFakeGateway } from '../fakes/fake-gateway.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { type Router, startRouter } from '../support/router.ts';
import { importSyntheticScorer, type SyntheticScorer } from '../support/synthetic-scorer.ts';

// The test deploys an embedding deployment, the table, an imported scorer and keys.
const KEY = 'the-key-of-a-caller';
const GATEWAY_KEY = 'the-key-of-a-subscription';

let scorer: SyntheticScorer;
const azurite = takeStorageAccount();
let router: Router;
let gateway: FakeGateway;
beforeAll(async () => {
  scorer = await importSyntheticScorer();
  router = await startRouter({
    settings: {
      MODELS_FOLDER: scorer.modelsFolder,
      ROUTER_SCORER: 'routellm',
      TABLES_CONNECTION_STRING: azurite.connectionString,
      ROUTER_API_KEYS: `azd=${createHash('sha256').update(KEY).digest('hex')}`,
    },
  });
  gateway = await startFakeGateway({ routerUrl: router.url, key: GATEWAY_KEY, routerKey: KEY });
});
afterAll(async () => {
  await Promise.all([scorer.remove(), router.close(), gateway.close()]);
});

function smoke(url: string, args: readonly string[] = [], key: string | undefined = KEY) {
  const patience = args.includes('--timeout-seconds') ? [] : ['--timeout-seconds', '0'];
  return runTool('smoke', ['--url', url, ...patience, ...args], { SMART_ROUTER_API_KEY: key });
}

/** Runs the smoke test against a server with these answers. */
async function smokeAt(
  listener: RequestListener,
  args: readonly string[] = [],
): Promise<ToolResult> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const result = await smoke(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, args);
  server.closeAllConnections();
  server.close();
  return result;
}

const names = (stdout: string, verdict: string): (string | undefined)[] =>
  [...stdout.matchAll(new RegExp(`^${verdict}: ([^:]+):`, 'gm'))].map(([, name]) => name);

const ALL = [
  'health',
  'ready',
  'routed answer',
  'streamed answer',
  'embedding cache',
  'wrong request',
  'no key',
  'openapi',
];

describe('a router as it is deployed', () => {
  test('passes, with a cache that misses and then hits', async () => {
    const { code, stdout, stderr } = await smoke(router.url, ['--expect-cache']);
    expect(names(stdout, 'ok')).toEqual(ALL);
    expect(stdout).toContain('ok: embedding cache: miss, then hit');
    expect(stdout).toContain('routellm@1');
    expect(stdout).toContain('ok: no key: 401');
    expect(stdout + stderr).not.toContain(KEY);
    expect(code).toBe(0);
  });

  test('passes behind API Management', async () => {
    const { code, stdout } = await smoke(`${gateway.url}/`, ['--expect-cache'], GATEWAY_KEY);
    expect(names(stdout, 'ok')).toEqual(ALL);
    expect(code).toBe(0);
  });

  test('fails with a wrong key, and says which to give', async () => {
    const { code, stdout } = await smoke(router.url, [], 'another-key');
    expect(stdout).toContain('not ok: routed answer: HTTP 401.');
    expect(stdout).toContain('--key-from names the environment variable');
    expect(names(stdout, 'ok')).toEqual(['health', 'ready', 'no key', 'openapi']);
    expect(code).toBe(1);
  });
});

describe('after azd has deployed', () => {
  test('asks the router with the key of the environment', async () => {
    const azd = await createFakeAzd({ ROUTER_URL: router.url, SMART_ROUTER_API_KEY: KEY });
    const { code, stdout } = await runTool('azd', ['postdeploy'], azd.env);
    expect(names(stdout, 'ok')).toEqual(ALL);
    expect(code).toBe(0);
    await azd.remove();
  });

  test.each([
    ['local', 0],
    ['routellm', 1],
  ])('demands a cache where the scorer needs one: %s', async (name, expected) => {
    const local = await startRouter();
    const azd = await createFakeAzd({ ROUTER_URL: local.url, ROUTER_SCORER: name });
    const { code, stdout } = await runTool('azd', ['postdeploy'], azd.env);
    expect(names(stdout, expected === 0 ? 'ok' : 'not ok')).toContain('embedding cache');
    expect(code === 0).toBe(expected === 0);
    await Promise.all([azd.remove(), local.close()]);
  });

  test('asks API Management with the key of its subscription', async () => {
    const arm = await startFakeArm({ gatewayKey: GATEWAY_KEY });
    const azd = await createFakeAzd({
      ROUTER_URL: router.url,
      GATEWAY_URL: gateway.url,
      API_MANAGEMENT_NAME: 'apim',
      AZURE_RESOURCE_GROUP: 'rg',
      AZURE_SUBSCRIPTION_ID: SUBSCRIPTION,
    });
    const { code, stdout } = await runTool('azd', ['postdeploy', '--arm', arm.url], azd.env);
    expect(names(stdout, 'ok')).toEqual(ALL);
    expect(stdout).toContain(gateway.url);
    expect(code).toBe(0);
    await Promise.all([azd.remove(), arm.close()]);
  });
});

describe('what is wrong', () => {
  test('a router without a cache, when one is demanded', async () => {
    const local = await startRouter();
    const passing = await smoke(local.url, [], '');
    expect(passing.stdout).toContain('ok: embedding cache: none, since the embedder is local');
    expect(passing.code).toBe(0);
    const { code, stdout } = await smoke(local.url, ['--expect-cache'], '');
    expect(names(stdout, 'not ok')).toEqual(['embedding cache']);
    expect(code).toBe(1);
    // This router also answers callers without a key.
    const open = await smoke(local.url, []);
    expect(names(open.stdout, 'not ok')).toEqual(['no key']);
    await local.close();
  });

  test('tables that do not answer, unless that is allowed', async () => {
    const half = await startRouter({
      settings: {
        MODELS_FOLDER: scorer.modelsFolder,
        ROUTER_SCORER: 'routellm',
        TABLES_CONNECTION_STRING: azurite.connectionString.replace(
          /(?<=TableEndpoint=.*:)\d+/,
          '9',
        ),
      },
    });
    const { code, stdout } = await smoke(half.url, [], '');
    expect(names(stdout, 'not ok')).toContain('ready');
    expect(stdout).toContain('degraded');
    expect(stdout).toContain('--allow-degraded');
    expect(code).toBe(1);
    const allowed = await smoke(half.url, ['--allow-degraded'], '');
    expect(allowed.stdout).toContain('ok: ready: degraded');
    await half.close();
  });

  test('a deployment that is not there, although another answers in its place', async () => {
    const half = await startRouter({ settings: { WEAK_DEPLOYMENT: 'misspelt' } });
    const { stdout } = await smoke(half.url, ['--allow-degraded'], '');
    expect(names(stdout, 'not ok')).toContain('ready');
    expect(stdout).toContain('misspelt');
    await half.close();
  });

  test('no OpenAPI file', async () => {
    const { code, stdout } = await smokeAt((request, response) => {
      const isHealth = request.url === '/health';
      response.writeHead(isHealth ? 200 : 404).end(isHealth ? '{"status":"online"}' : '');
    });
    expect(stdout).toContain('not ok: openapi: HTTP 404.');
    expect(code).toBe(1);
  });

  test('something else at that address: nothing more is asked', async () => {
    const { code, stdout } = await smokeAt((_, response) => response.writeHead(404).end());
    expect(stdout).toContain('not ok: health: HTTP 404.');
    expect(names(stdout, 'ok')).toEqual([]);
    expect(code).toBe(1);
  });

  test('nothing at that address', async () => {
    const { code, stdout } = await smoke('http://127.0.0.1:9');
    expect(stdout).toContain('not ok: health: fetch failed');
    expect(code).toBe(1);
  });

  test('an answer that repeats the key: it is left out', async () => {
    const { stdout } = await smokeAt((request, response) => {
      const isHealth = request.url === '/health';
      const refusal = { error: { message: `${request.headers['api-key']} is unknown` } };
      response.writeHead(isHealth ? 200 : 403);
      response.end(JSON.stringify(isHealth ? { status: 'online' } : refusal));
    });
    expect(stdout).toContain('*** is unknown');
    expect(stdout).not.toContain(KEY);
  });

  test('a redirect: the key is not sent after it', async () => {
    const { code, stdout } = await smokeAt((request, response) => {
      if (request.url === '/health') response.end('{"status":"online"}');
      else response.writeHead(307, { location: router.url + request.url }).end();
    });
    expect(names(stdout, 'ok')).toEqual(['health']);
    expect(code).toBe(1);
  });

  test('an address where the key could be read on its way', async () => {
    const { code, stderr } = await smoke('http://router.example');
    expect(stderr).toContain('--url must be an https address');
    expect(code).toBe(2);
  });

  test('an address with the path that clients use', async () => {
    const { code, stderr } = await runTool('smoke', ['--url', `${router.url}/llm`]);
    expect(stderr).toContain('without /llm');
    expect(code).toBe(2);
  });

  test('a variable without a key, whose name may be the key itself', async () => {
    const { code, stderr } = await runTool('smoke', [
      ...['--url', router.url, '--key-from', 'k-123'],
    ]);
    expect(stderr).toContain('--key-from must name an environment variable');
    expect(stderr).not.toContain('k-123');
    expect(code).toBe(2);
  });
});

test('waits for a deployment that is just starting', async () => {
  let asked = 0;
  const { stdout } = await smokeAt(
    (_, response) => {
      asked += 1;
      response.writeHead(asked === 1 ? 503 : 200);
      response.end('{"status":"online"}');
    },
    ['--timeout-seconds', '4'],
  );
  expect(stdout).toContain('ok: health: online');
});
