import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { UNKNOWN_MODEL } from '../../../shared/capabilities/capabilities.ts';
import { createAzureEmbedder } from '../../../shared/prompt-embedding/azure-embedder.ts';
import type { Deployment } from '../../../shared/upstream/deployment.ts';
import { startSimulator } from '../../../tools/upstream-simulator/simulator.ts';

const simulator = await startSimulator();
afterAll(() => simulator.close());
beforeEach(() => simulator.reset());

const keyless: Deployment = {
  name: 'embedding',
  modelName: 'text-embedding-3-small',
  endpoint: simulator.url,
  apiStyle: 'azure',
  apiVersion: '2024-10-21',
  capabilities: UNKNOWN_MODEL,
};

type Setup = {
  readonly deployment?: Partial<Deployment>;
  readonly timeoutMs?: number;
  readonly getToken?: () => Promise<string>;
};

function create({ deployment, timeoutMs = 5_000, getToken = async () => 'token-1' }: Setup = {}) {
  return createAzureEmbedder({
    deployment: { ...keyless, ...deployment },
    id: 'azure-openai/text-embedding-3-small',
    getToken,
    timeoutMs,
  });
}

/** An answer with the numbers as JSON, not as base64. */
async function floatsOf(input: string): Promise<Float32Array> {
  const response = await fetch(`${simulator.url}/openai/v1/embeddings`, {
    method: 'POST',
    body: JSON.stringify({ model: 'embedding', input, encoding_format: 'float' }),
  });
  const { data } = (await response.json()) as { data: { embedding: number[] }[] };
  return Float32Array.from(data[0]?.embedding ?? []);
}

describe.each([
  ['azure', '', '/openai/deployments/embedding/embeddings'],
  ['azure-v1', '', '/openai/v1/embeddings'],
  ['openai', '/v1', '/v1/embeddings'],
] as const)('a deployment of the style %s', (apiStyle, path, expectedPath) => {
  const deployment = { apiStyle, endpoint: `${simulator.url}${path}` };

  test('is called at its path and returns the numbers of the service', async () => {
    const embedding = await create({ deployment: { ...deployment, apiKey: 'k' } }).embed('Hi you');
    expect(simulator.requests).toMatchObject([{ path: expectedPath, deployment: 'embedding' }]);
    expect(embedding).toHaveLength(1536);
    expect(embedding).toEqual(await floatsOf('Hi you'));
  });

  test('gets the key', async () => {
    await create({ deployment: { ...deployment, apiKey: 'key-1' } }).embed('Hi');
    const { headers } = simulator.requests[0] ?? {};
    expect(headers?.['api-key'] ?? headers?.['authorization']).toMatch(/^(Bearer )?key-1$/);
    expect(JSON.stringify(headers)).not.toContain('token-1');
  });
});

test.each(['azure', 'azure-v1'] as const)(
  'a deployment of the style %s gets a token if there is no key',
  async (apiStyle) => {
    await create({ deployment: { apiStyle } }).embed('Hi');
    expect(simulator.requests[0]?.headers).toMatchObject({ authorization: 'Bearer token-1' });
    expect(simulator.requests[0]?.headers).not.toHaveProperty('api-key');
  },
);

describe('the environment of the process', () => {
  test.each(['azure', 'azure-v1'] as const)(
    'changes nothing of a deployment without a key (%s)',
    async (apiStyle) => {
      const env = {
        AZURE_OPENAI_API_KEY: 'of another endpoint',
        OPENAI_API_KEY: 'of another endpoint',
        OPENAI_BASE_URL: 'http://127.0.0.1:9/elsewhere',
        OPENAI_ORG_ID: 'org',
      };
      const before = { ...process.env };
      Object.assign(process.env, env);
      try {
        await create({ deployment: { apiStyle } }).embed('Hi');
      } finally {
        for (const name of Object.keys(env)) {
          delete process.env[name];
          if (before[name] !== undefined) process.env[name] = before[name];
        }
      }
      expect(simulator.requests[0]?.headers).toMatchObject({ authorization: 'Bearer token-1' });
      expect(JSON.stringify(simulator.requests[0]?.headers)).not.toMatch(/another endpoint|"org"/);
    },
  );
});

describe('a text over the limit of tokens', () => {
  test.each([
    ['of short words', 'a b c d '.repeat(5_000)],
    ['of prose', 'The quick brown fox jumps over the lazy dog while it rains. '.repeat(2_000)],
  ])('%s is cut and accepted', async (_, text) => {
    expect(await create().embed(text)).toHaveLength(1536);
  });
});

describe('a deployment that fails', () => {
  test.each([401, 403, 404])('with %d is not asked again', async (status) => {
    await expect(create().embed(`[sim:${status}]`)).rejects.toMatchObject({ status });
    expect(simulator.requests).toHaveLength(1);
  });

  test.each([429, 500, 503])('once with %d is asked again', async (status) => {
    expect(await create().embed(`[sim:${status}:1]`)).toHaveLength(1536);
    expect(simulator.requests).toHaveLength(2);
  });

  test('with 429 at every call is called twice', async () => {
    await expect(create().embed('[sim:429]')).rejects.toMatchObject({ status: 429 });
    expect(simulator.requests).toHaveLength(2);
  });

  test('works again at the next call', async () => {
    const embedder = create();
    await expect(embedder.embed('[sim:401]')).rejects.toThrow();
    expect(await embedder.embed('Hi')).toHaveLength(1536);
  });
});

describe('the time limit', () => {
  test('ends the wait for a deployment that is too slow', async () => {
    await expect(create({ timeoutMs: 150 }).embed('[sim:slow:60000]')).rejects.toThrow();
  });

  test.each(['azure', 'azure-v1'] as const)(
    'holds for a credential that hangs (%s)',
    async (apiStyle) => {
      const hanging = create({
        timeoutMs: 200,
        getToken: () => new Promise(() => undefined),
        deployment: { apiStyle },
      });
      await expect(hanging.embed('Hi')).rejects.toThrow();
    },
  );

  test('holds for a deployment that asks to wait before the next try', async () => {
    const startedAt = performance.now();
    await expect(create({ timeoutMs: 300 }).embed('[sim:429::30000]')).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });
});
