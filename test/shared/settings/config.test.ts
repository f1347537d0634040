import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../shared/base/errors.ts';
import { LOCAL_EMBEDDER } from '../../../shared/prompt-embedding/local-embedder.ts';
import { loadConfig } from '../../../shared/settings/config.ts';

const MODELS_FOLDER = await mkdtemp(join(tmpdir(), 'smart-router-config-'));
afterAll(() => rm(MODELS_FOLDER, { recursive: true, force: true }));

const quantiles = Array.from({ length: 101 }, (_, index) => index / 100);

const localEntry = {
  id: 'local',
  version: '1',
  file: 'local/scorer.onnx',
  sha256: '0'.repeat(64),
  embedder: LOCAL_EMBEDDER.id,
  dimensions: LOCAL_EMBEDDER.dimensions,
  models: ['big', 'small', 'other'],
  defaultPair: { strong: 'big', weak: 'small' },
  trainedOn: 'nothing',
  calibrations: [{ id: 'c', data: 'd', rows: 10, strong: 'big', weak: 'small', quantiles }],
};
const remoteEntry = {
  ...localEntry,
  id: 'remote',
  embedder: 'azure-openai/text-embedding-3-small',
  dimensions: 1536,
  calibrations: [],
};

await writeFile(
  join(MODELS_FOLDER, 'registry.json'),
  JSON.stringify({ scorers: [localEntry, remoteEntry] }),
);

const KEY_HASH = createHash('sha256').update('caller').digest('hex');

const minimal = {
  MODELS_FOLDER,
  AZURE_OPENAI_ENDPOINT: 'https://name.openai.azure.com/',
  STRONG_DEPLOYMENT: 'big-one',
  WEAK_DEPLOYMENT: 'small-one',
  ROUTER_API_KEYS: `ann=${KEY_HASH}`,
};

type Settings = Readonly<Record<string, string | undefined>>;

const load = (settings: Settings = {}) => loadConfig({ ...minimal, ...settings });

async function problemsOf(settings: Settings): Promise<readonly string[]> {
  try {
    await load(settings);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('The settings should have been refused.');
}

/** The one problem that the settings have. */
async function problemOf(settings: Settings): Promise<string> {
  const problems = await problemsOf(settings);
  expect(problems).toHaveLength(1);
  return problems[0] ?? '';
}

describe('a minimal configuration', () => {
  test('is complete, with its defaults', async () => {
    const config = await load();
    expect(config).toMatchObject({
      strong: {
        name: 'big-one',
        modelName: 'big-one',
        endpoint: 'https://name.openai.azure.com',
        apiStyle: 'azure-v1',
        apiVersion: '2024-10-21',
      },
      weak: { name: 'small-one' },
      isOwnEmbedder: true,
      policy: { modes: { cost: 0.2, balanced: 0.5, quality: 0.8 } },
      limits: { maxBodyBytes: 32 * 1024 * 1024 },
      embeddingCache: { table: 'embeddings' },
      logLevel: 'info',
    });
    expect(config.scorer).toMatchObject({ entry: { id: 'local' }, calibration: { id: 'c' } });
    expect(config.strong).not.toHaveProperty('apiKey');
    expect(config).not.toHaveProperty('embedding');
    expect(config.embeddingCache).not.toHaveProperty('tables');
    expect(config.access.apiKeys).toHaveLength(1);
  });

  test('lets nobody in without keys', async () => {
    expect((await load({ ROUTER_API_KEYS: undefined })).access.apiKeys).toEqual([]);
  });

  test('lets everybody in with ROUTER_AUTH=none', async () => {
    const config = await load({ ROUTER_API_KEYS: undefined, ROUTER_AUTH: 'none' });
    expect(config.access).not.toHaveProperty('apiKeys');
  });

  test('leaves it to the host to ask for a key behind a front door', async () => {
    const config = await load({ ROUTER_API_KEYS: undefined, FRONT_DOOR: 'function-key' });
    expect(config.access).toEqual({ hostChecksKey: true });
  });

  test('takes an empty or blank setting for one that is not set', async () => {
    const config = await load({ ROUTER_THRESHOLD: '', WEAK_API_KEY: '  ', LOG_LEVEL: '' });
    expect(config.policy).not.toHaveProperty('threshold');
    expect(config.weak).not.toHaveProperty('apiKey');
  });

  test('keeps a threshold and a share of 0', async () => {
    expect((await load({ ROUTER_THRESHOLD: '0' })).policy.threshold).toBe(0);
    expect((await load({ ROUTER_STRONG_SHARE: '0' })).policy.strongShare).toBe(0);
  });
});

describe('problems', () => {
  test('name what contradicts a front door', async () => {
    expect(await problemsOf({ FRONT_DOOR: 'function-key' })).toEqual([
      expect.stringContaining('FRONT_DOOR and ROUTER_API_KEYS contradict each other'),
    ]);
    const open = { FRONT_DOOR: 'function-key', ROUTER_AUTH: 'none', ROUTER_API_KEYS: undefined };
    expect(await problemsOf(open)).toEqual([
      expect.stringContaining('ROUTER_AUTH=none and FRONT_DOOR contradict each other'),
    ]);
  });

  test('name a Key Vault reference that the platform could not resolve', async () => {
    const reference = '@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/weak)';
    for (const name of ['WEAK_API_KEY', 'CACHE_KEY_SECRET']) {
      expect(await problemsOf({ [name]: reference })).toEqual([
        expect.stringMatching(
          new RegExp(`^${name} is a Key Vault reference that was not resolved`),
        ),
      ]);
    }
  });

  test('are reported all at once', async () => {
    const problems = await problemsOf({
      STRONG_DEPLOYMENT: undefined,
      WEAK_DEPLOYMENT: 'has space',
      AZURE_OPENAI_ENDPOINT: 'name.openai.azure.com',
      ROUTER_SCORER: 'unknown',
      ROUTER_THRESHOLD: '2',
      ROUTER_MODES: 'cheap=0.1',
      ROUTER_API_KEYS: 'nonsense',
      MAX_BODY_BYTES: '1.5',
      EMBEDDING_CACHE_TABLE: '1',
      LOG_LEVEL: 'loud',
    });
    const settings = problems.map((problem) => /^[A-Z_]+/.exec(problem)?.[0]).sort();
    expect(settings).toEqual([
      'AZURE_OPENAI_ENDPOINT',
      'EMBEDDING_CACHE_TABLE',
      'LOG_LEVEL',
      'MAX_BODY_BYTES',
      'ROUTER_API_KEYS',
      'ROUTER_MODES',
      'ROUTER_SCORER',
      'ROUTER_THRESHOLD',
      'STRONG_DEPLOYMENT',
      'WEAK_DEPLOYMENT',
    ]);
  });

  test('of an empty environment name what is needed', async () => {
    const error: unknown = await loadConfig({ MODELS_FOLDER }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    for (const name of ['STRONG_DEPLOYMENT', 'WEAK_DEPLOYMENT', 'AZURE_OPENAI_ENDPOINT']) {
      expect(String(error)).toContain(`${name} `);
    }
  });

  test('with a missing registry name its place', async () => {
    const folder = join(MODELS_FOLDER, 'nowhere');
    expect(await problemOf({ MODELS_FOLDER: folder })).toContain(join(folder, 'registry.json'));
  });
});

test('a deployment is protected without a setting, and as the settings say', async () => {
  expect((await load({})).limits).toMatchObject({
    circuitFailures: 5,
    circuitOpenMs: 10_000,
    maxConcurrentCalls: 64,
    maxQueuedCalls: 64,
  });
  const { limits } = await load({
    CIRCUIT_FAILURES: '1',
    CIRCUIT_OPEN_MS: '60000',
    MAX_CONCURRENT_CALLS: '1',
    MAX_QUEUED_CALLS: '0',
  });
  expect(limits).toMatchObject({
    circuitFailures: 1,
    circuitOpenMs: 60_000,
    maxConcurrentCalls: 1,
    maxQueuedCalls: 0,
  });
});

test('prompts that cannot be embedded go to the strong model unless set otherwise', async () => {
  const name = 'ROUTER_EMBEDDING_FAILURE_TIER';
  expect((await load({})).policy.embeddingFailureTier).toBe('strong');
  expect((await load({ [name]: 'weak' })).policy.embeddingFailureTier).toBe('weak');
  expect(await problemOf({ [name]: 'score' })).toContain(`${name} must be one of strong, weak`);
});

test('an embedding is given two seconds, and half the time of a request at most', async () => {
  expect((await load({})).limits.embeddingTimeoutMs).toBe(2_000);
  const { limits } = await load({ REQUEST_TIMEOUT_MS: '1000' });
  expect(limits.embeddingTimeoutMs).toBe(500);
});

describe('settings that contradict each other', () => {
  test('a time for embeddings that leaves none for the answer', async () => {
    const settings = { REQUEST_TIMEOUT_MS: '1000', EMBEDDING_TIMEOUT_MS: '1000' };
    expect(await problemOf(settings)).toMatch(/^EMBEDDING_TIMEOUT_MS must be below/);
  });

  test.each<[string, Settings]>([
    ['ROUTER_AUTH=none', { ROUTER_AUTH: 'none' }],
    ['ROUTER_THRESHOLD', { ROUTER_THRESHOLD: '0', ROUTER_STRONG_SHARE: '0' }],
    [
      'TABLES_ENDPOINT',
      {
        TABLES_ENDPOINT: 'https://a.table.core.windows.net',
        TABLES_CONNECTION_STRING: 'UseDevelopmentStorage=true',
      },
    ],
    ['STRONG_DEPLOYMENT', { WEAK_DEPLOYMENT: 'big-one' }],
    ['STRONG_SCORER_MODEL', { STRONG_SCORER_MODEL: 'small' }],
  ])('are refused with %s', async (name, settings) => {
    expect(await problemOf(settings)).toContain(name);
  });

  test.each<Settings>([
    { WEBSITE_SITE_NAME: 'app' },
    { WEBSITE_INSTANCE_ID: 'a' },
    { WEBSITE_POD_NAME: 'a' },
    { WEBSITE_INSTANCE_ID: '', WEBSITE_SITE_NAME: 'app' },
  ])('are ROUTER_AUTH=none and a place in Azure: %j', async (place) => {
    const settings = { ...place, ROUTER_AUTH: 'none', ROUTER_API_KEYS: undefined };
    expect(await problemOf(settings)).toContain('refused in Azure');
  });
});

describe('a key for a deployment', () => {
  const shared = { AZURE_OPENAI_API_KEY: 'shared-key' };

  test('is the shared one at the shared endpoint', async () => {
    const { strong, weak } = await load({ ...shared, WEAK_API_KEY: 'weak-key' });
    expect([strong.apiKey, weak.apiKey]).toEqual(['shared-key', 'weak-key']);
  });

  test.each(['STRONG', 'WEAK', 'EMBEDDING'])(
    'is never the shared one at an own endpoint of %s',
    async (prefix) => {
      const { strong, weak, embedding } = await load({
        ...shared,
        EMBEDDING_DEPLOYMENT: 'embedding',
        [`${prefix}_ENDPOINT`]: 'https://other.openai.azure.com',
      });
      const deployment = { STRONG: strong, WEAK: weak, EMBEDDING: embedding }[prefix];
      expect(deployment).toMatchObject({ endpoint: 'https://other.openai.azure.com' });
      expect(deployment).not.toHaveProperty('apiKey');
    },
  );

  test.each([
    'http://127.0.0.1:8080',
    'http://name.openai.azure.com',
    'https://openai.azure.com.evil.example',
    'https://evilopenai.azure.com',
    'https://example.com/x.openai.azure.com',
  ])('is needed at %s, where no token may go', async (endpoint) => {
    expect(await problemOf({ WEAK_ENDPOINT: endpoint })).toContain('WEAK_API_KEY is missing');
    const { weak } = await load({ WEAK_ENDPOINT: endpoint, WEAK_API_KEY: 'k' });
    expect(weak.apiKey).toBe('k');
  });

  test.each([
    'https://a.openai.azure.com',
    'https://a.services.ai.azure.com',
    'https://a.cognitiveservices.azure.com',
  ])('is not needed at %s', async (endpoint) => {
    expect((await load({ WEAK_ENDPOINT: endpoint })).weak).not.toHaveProperty('apiKey');
  });

  test('is not needed by a server that copies OpenAI', async () => {
    const { weak } = await load({
      WEAK_ENDPOINT: 'http://127.0.0.1:11434/v1/',
      WEAK_API_STYLE: 'openai',
    });
    expect(weak).toMatchObject({ endpoint: 'http://127.0.0.1:11434/v1', apiStyle: 'openai' });
  });
});

describe('an address', () => {
  test.each([
    ['https://a.openai.azure.com', {}, 'azure-v1', ''],
    ['https://a.services.ai.azure.com', {}, 'azure-v1', ''],
    ['https://a.cognitiveservices.azure.com/', {}, 'azure-v1', ''],
    ['https://a.openai.azure.us', {}, 'azure-v1', ''],
    ['https://a.openai.azure.com/openai/v1/', {}, 'azure-v1', ''],
    ['https://a.services.ai.azure.com/api/projects/p', {}, 'azure-v1', '/api/projects/p'],
    ['https://a.openai.azure.com', { AZURE_OPENAI_API_VERSION: '2025-01-01' }, 'azure', ''],
    ['https://a.openai.azure.com', { AZURE_OPENAI_API_STYLE: 'azure' }, 'azure', ''],
    ['https://a.openai.azure.com', { WEAK_API_STYLE: 'openai' }, 'openai', ''],
    ['http://127.0.0.1:7072', {}, 'azure', ''],
    ['http://a.openai.azure.com', {}, 'azure', ''],
    ['https://gateway.example.com/llm', {}, 'azure', '/llm'],
    ['https://gateway.example.com/v1', { WEAK_API_STYLE: 'azure' }, 'azure', '/v1'],
    ['https://gateway.example.com/openai/v1', { WEAK_API_STYLE: 'azure-v1' }, 'azure-v1', ''],
    ['https://api.groq.com/openai/v1/', { WEAK_API_STYLE: 'openai' }, 'openai', '/openai/v1'],
  ])('%s with %j has the style %s', async (endpoint, settings, apiStyle, path) => {
    const { weak } = await load({ WEAK_ENDPOINT: endpoint, WEAK_API_KEY: 'k', ...settings });
    expect(weak).toMatchObject({ endpoint: new URL(endpoint).origin + path, apiStyle });
  });

  test.each([
    ['https://a.openai.azure.com/openai/v1/', 'azure', 'WEAK_ENDPOINT ends in /openai/v1'],
    ['https://a.openai.azure.com/OpenAI/V1', 'azure', 'to azure-v1'],
    ['https://gateway.example.com/openai/v1', '', 'WEAK_API_STYLE'],
    ['https://a.openai.azure.com/openai', '', 'must end before /openai: the style azure-v1'],
    ['https://a.openai.azure.com/openai/deployments/x', '', 'must end before /openai/deployments'],
    ['https://api.openai.com/v1/chat/completions', 'openai', 'must end before /chat/completions'],
    ['https://a.services.ai.azure.com/models', '', 'must end before /models'],
    ['http://127.0.0.1:11434/v1/', '', 'to openai'],
  ])('%s in the style "%s" is refused: %s', async (endpoint, style, message) => {
    const settings = { WEAK_ENDPOINT: endpoint, WEAK_API_KEY: 'k', WEAK_API_STYLE: style };
    expect(await problemOf(settings)).toContain(message);
  });

  test.each([
    'not an address',
    'ftp://example.com',
    'https://my-secret@example.com',
    'https://user:my-secret@example.com',
    'https://:my-secret@example.com',
    'https://example.com/?key=my-secret',
    'https://example.com/#my-secret',
  ])('%s is refused and not repeated', async (endpoint) => {
    const problem = await problemOf({ WEAK_ENDPOINT: endpoint, WEAK_API_KEY: 'k' });
    expect(problem).toContain('WEAK_ENDPOINT');
    expect(problem).not.toContain('my-secret');
    expect(problem).not.toContain(endpoint);
  });

  test('keeps its path and loses the slashes at its end', async () => {
    const { weak } = await load({
      WEAK_ENDPOINT: 'https://example.com/front/door//',
      WEAK_API_KEY: 'k',
    });
    expect(weak.endpoint).toBe('https://example.com/front/door');
  });
});

describe('a number', () => {
  test.each([
    ['ROUTER_THRESHOLD', 'NaN'],
    ['ROUTER_THRESHOLD', '1.0001'],
    ['ROUTER_THRESHOLD', '-0.1'],
    ['ROUTER_THRESHOLD', '0,5'],
    ['ROUTER_STRONG_SHARE', 'Infinity'],
    ['ROUTER_STRONG_SHARE', '30%'],
    ['MAX_BODY_BYTES', '0'],
    ['MAX_BODY_BYTES', '1e9'],
    ['MAX_BODY_BYTES', '32 MiB'],
    ['MAX_ANSWER_BYTES', '-1'],
    ['REQUEST_TIMEOUT_MS', '0'],
    ['REQUEST_TIMEOUT_MS', '9999999'],
    ['EMBEDDING_TIMEOUT_MS', 'soon'],
    ['CIRCUIT_FAILURES', '0'],
    ['CIRCUIT_OPEN_MS', '60001'],
    ['MAX_CONCURRENT_CALLS', '0'],
    ['MAX_QUEUED_CALLS', '-1'],
    ['EMBEDDING_CACHE_ENTRIES', '0'],
    ['EMBEDDING_CACHE_TIMEOUT_MS', '0.5'],
  ])('%s=%s is refused', async (name, value) => {
    expect(await problemOf({ [name]: value })).toMatch(new RegExp(`^${name} must be`));
  });

  test.each(['EMBEDDING_TIMEOUT_MS', 'EMBEDDING_CACHE_TIMEOUT_MS'])(
    '%s that no timer can wait for is refused',
    async (name) => {
      // Node.js waits 1 ms instead of more than 2^31 - 1.
      expect(await problemOf({ [name]: '2147483648' })).toContain(name);
    },
  );

  test.each(['cost', 'cost=', 'cost=2', 'cost=-1', 'cost=x', 'cheap=0.1', ',', 'cost=0.1=0.2'])(
    'ROUTER_MODES=%s is refused',
    async (value) => {
      const [problem] = await problemsOf({ ROUTER_MODES: value });
      expect(problem).toContain('ROUTER_MODES');
    },
  );

  test('of ROUTER_MODES changes its mode alone', async () => {
    const { policy } = await load({ ROUTER_MODES: ' cost = 0 , quality=1' });
    expect(policy.modes).toEqual({ cost: 0, balanced: 0.5, quality: 1 });
  });
});

describe('the name of a deployment', () => {
  test.each(['smart-router', 'router-mf-0.5', 'router-mf-'])('must not be %s', async (name) => {
    expect(await problemOf({ WEAK_DEPLOYMENT: name })).toContain('WEAK_DEPLOYMENT must not be');
  });

  test.each(['two words', 'naïve', 'new\nline', 'x'.repeat(129), '\u0000', '🎉'])(
    'must be fit for a header, and %j is not',
    async (name) => {
      expect(await problemOf({ WEAK_DEPLOYMENT: name })).toContain('WEAK_DEPLOYMENT');
      expect(await problemOf({ WEAK_MODEL: name })).toContain('WEAK_MODEL');
    },
  );

  test('may differ from that of its model', async () => {
    expect((await load({ WEAK_MODEL: 'gpt-5.6-luna' })).weak).toMatchObject({
      name: 'small-one',
      modelName: 'gpt-5.6-luna',
    });
  });
});

describe('the scorer', () => {
  test('that is unknown is refused with those that there are', async () => {
    expect(await problemOf({ ROUTER_SCORER: 'other' })).toMatch(
      /ROUTER_SCORER.*"other".*local@1, remote@1/,
    );
  });

  test('may be named with its version', async () => {
    expect((await load({ ROUTER_SCORER: 'local@1' })).scorer.entry.id).toBe('local');
    expect(await problemOf({ ROUTER_SCORER: 'local@2' })).toContain('not registered');
  });

  test('needs its embedder', async () => {
    expect(await problemOf({ ROUTER_SCORER: 'remote' })).toMatch(
      /EMBEDDING_DEPLOYMENT is missing.*text-embedding-3-small/,
    );
    const config = await load({ ROUTER_SCORER: 'remote', EMBEDDING_DEPLOYMENT: 'embedding' });
    expect(config).toMatchObject({ isOwnEmbedder: false, embedding: { name: 'embedding' } });
  });

  test('needs a calibration for a strong share', async () => {
    const settings = { ROUTER_SCORER: 'remote', EMBEDDING_DEPLOYMENT: 'embedding' };
    const problem = await problemOf({ ...settings, ROUTER_STRONG_SHARE: '0.3' });
    expect(problem).toContain('ROUTER_STRONG_SHARE needs a calibration');
    await load({ ...settings, ROUTER_THRESHOLD: '0.3' });
  });

  test('needs a calibration of the very pair', async () => {
    const settings = { WEAK_SCORER_MODEL: 'other', ROUTER_STRONG_SHARE: '0.3' };
    expect(await problemOf(settings)).toContain('none for big over other');
  });

  describe('and its calibration', () => {
    const { calibrations: first } = localEntry;
    const made = { ...first[0], id: 'mine', version: 2, threshold: 0.123_456_789 };
    const withThreshold = mkdtemp(join(MODELS_FOLDER, 'calibrated-')).then(async (folder) => {
      const scorers = [{ ...localEntry, calibrations: [...first, made] }];
      await writeFile(join(folder, 'registry.json'), JSON.stringify({ scorers }));
      return folder;
    });
    const loadIt = async (settings: Settings) =>
      load({ MODELS_FOLDER: await withThreshold, ...settings });

    test('is the newest, whose own threshold nobody has asked for', async () => {
      const { scorer, policy } = await loadIt({});
      expect(scorer.calibration?.name).toBe('mine@2');
      expect(policy).not.toHaveProperty('threshold');
    });

    test('gives its threshold when the settings name it and no other default', async () => {
      const { policy } = await loadIt({ ROUTER_CALIBRATION: 'mine' });
      expect(policy.threshold).toBe(0.123_456_789);
    });

    test('gives way to a share or a threshold of the settings', async () => {
      const share = await loadIt({ ROUTER_CALIBRATION: 'mine@2', ROUTER_STRONG_SHARE: '0' });
      expect(share.policy).not.toHaveProperty('threshold');
      const threshold = await loadIt({ ROUTER_CALIBRATION: 'mine@2', ROUTER_THRESHOLD: '0' });
      expect(threshold.policy.threshold).toBe(0);
    });

    test('may be an earlier one, which was made for nothing in particular', async () => {
      const { scorer, policy } = await loadIt({ ROUTER_CALIBRATION: 'c@1' });
      expect(scorer.calibration?.name).toBe('c@1');
      expect(policy).not.toHaveProperty('threshold');
    });

    test('must be one of the scorer for the pair', async () => {
      const settings = { MODELS_FOLDER: await withThreshold, ROUTER_CALIBRATION: 'mine@1' };
      expect(await problemOf(settings)).toMatch(/ROUTER_CALIBRATION.*"mine@1".*c@1, mine@2/);
    });
  });

  test('must know both models', async () => {
    const problems = await problemsOf({ STRONG_SCORER_MODEL: 'x', WEAK_SCORER_MODEL: 'y' });
    expect(problems).toEqual([
      expect.stringMatching(/^STRONG_SCORER_MODEL.*"x".*big, small, other/),
      expect.stringMatching(/^WEAK_SCORER_MODEL.*"y"/),
    ]);
  });

  test('must take what the local embedder gives', async () => {
    const folder = await mkdtemp(join(MODELS_FOLDER, 'other-'));
    const scorers = [{ ...localEntry, dimensions: LOCAL_EMBEDDER.dimensions + 1 }];
    await writeFile(join(folder, 'registry.json'), JSON.stringify({ scorers }));
    expect(await problemOf({ MODELS_FOLDER: folder })).toContain(String(LOCAL_EMBEDDER.dimensions));
  });

  test.each([
    ['encoder/1', 100, /takes 100 dimensions; the embedder encoder\/1 gives 12986/],
    ['encoder/999', 12_986, /embeddings of encoder\/999; .* has local\/2 and encoder\/1/],
  ])('must take what the embedder %s gives', async (embedder, dimensions, problem) => {
    const folder = await mkdtemp(join(MODELS_FOLDER, 'other-'));
    const scorers = [{ ...localEntry, embedder, dimensions }];
    await writeFile(join(folder, 'registry.json'), JSON.stringify({ scorers }));
    expect(await problemOf({ MODELS_FOLDER: folder })).toMatch(problem);
  });
});

test('a wrong entry of ROUTER_API_KEYS is not repeated', async () => {
  const problem = await problemOf({ ROUTER_API_KEYS: 'ann=my-secret-key' });
  expect(problem).toContain('ROUTER_API_KEYS');
  expect(problem).not.toContain('my-secret');
});
