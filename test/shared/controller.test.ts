import { describe, expect, test } from 'vitest';
import { createController, type RouteRequest } from '../../shared/controller.ts';
import { InvalidRequestError } from '../../shared/errors.ts';
import type { GetPromptEmbedding } from '../../shared/prompt-embedding/prompt-embedding.ts';
import type { ThresholdPolicy } from '../../shared/routing/controls.ts';
import type { Upstream } from '../../shared/upstream/upstream.ts';

const modes = { cost: 0.2, balanced: 0.5, quality: 0.8 };
const quantiles = Array.from({ length: 101 }, (_, index) => index / 100);

function createUpstream(name: string): Upstream {
  const unused = () => Promise.reject(new Error('Deciding calls no deployment.'));
  return {
    deployment: {
      name,
      modelName: `model-of-${name}`,
      endpoint: 'https://example.com',
      apiStyle: 'azure',
      apiVersion: '1',
    },
    send: unused,
    probe: unused,
  };
}

const strong = createUpstream('strong');
const weak = createUpstream('weak');
const pair = { strong: 'big', weak: 'small' };

type Setup = {
  readonly winRate?: number;
  readonly scoringError?: Error;
  readonly policy?: Partial<ThresholdPolicy>;
  readonly getPromptEmbedding?: GetPromptEmbedding;
};

function start({ winRate = 0.5, scoringError, policy, getPromptEmbedding }: Setup = {}) {
  const scored: unknown[] = [];
  const embedded: string[] = [];
  const logged: unknown[] = [];
  const controller = createController({
    strong,
    weak,
    pair,
    scorer: {
      name: 'fake@1',
      dimensions: 2,
      predictWinRate: async (embedding, asked) => {
        scored.push([embedding, asked]);
        if (scoringError !== undefined) throw scoringError;
        return winRate;
      },
    },
    policy: { defaultThreshold: 0.5, quantiles, modes, ...policy },
    getPromptEmbedding:
      getPromptEmbedding ??
      ((text) => {
        embedded.push(text);
        return { embedding: Float32Array.of(1, 2), cache: 'hit' };
      }),
    log: (...line) => logged.push(line),
  });
  const route = (request: Omit<RouteRequest, 'signal'>, signal = new AbortController().signal) =>
    controller.route({ ...request, signal });
  return { controller: { route }, scored, embedded, logged };
}

describe('the win rate', () => {
  test.each([
    [0.5, 'strong'],
    [0.5 - Number.EPSILON, 'weak'],
    [0.5 + Number.EPSILON, 'strong'],
    [0, 'weak'],
    [1, 'strong'],
  ])('of %d against the threshold 0.5 means %s', async (winRate, tier) => {
    const { controller } = start({ winRate });
    expect(await controller.route({ text: 'ask', controls: {} })).toMatchObject({ tier });
  });

  test('comes with all facts of the decision', async () => {
    const { controller, scored, embedded } = start({ winRate: 0.25 });
    expect(await controller.route({ text: 'ask', controls: { threshold: 0.125 } })).toEqual({
      tier: 'strong',
      upstream: strong,
      reason: 'win-rate',
      winRate: 0.25,
      percentile: 0.25,
      threshold: 0.125,
      scorer: 'fake@1',
      embeddingCache: 'hit',
    });
    expect(embedded).toEqual(['ask']);
    expect(scored).toEqual([[Float32Array.of(1, 2), pair]]);
  });

  test('has no percentile without a calibration', async () => {
    const { controller } = start({ policy: { quantiles: undefined as never } });
    expect(await controller.route({ text: 'ask', controls: {} })).not.toHaveProperty('percentile');
  });
});

describe('the controls', () => {
  test.each([
    [{ strongShare: 0.3 }, 0.69, 'weak'],
    [{ strongShare: 0.3 }, 0.71, 'strong'],
    [{ strongShare: 0 }, 1, 'weak'],
    [{ strongShare: 1 }, 0, 'strong'],
    [{ mode: 'cost' }, 0.79, 'weak'],
    [{ mode: 'cost' }, 0.81, 'strong'],
    [{ mode: 'quality' }, 0.21, 'strong'],
    [{ threshold: 0 }, 0, 'strong'],
    [{ threshold: 1 }, 1, 'strong'],
    [{ threshold: 1 }, 0.999, 'weak'],
  ] as const)('%o with the win rate %d mean %s', async (controls, winRate, tier) => {
    const { controller } = start({ winRate });
    expect(await controller.route({ text: 'ask', controls })).toMatchObject({ tier });
  });

  test('that ask for a share are refused without a calibration', async () => {
    const { controller, embedded } = start({ policy: { quantiles: undefined as never } });
    const route = controller.route({ text: 'ask', controls: { strongShare: 0.3 } });
    await expect(route).rejects.toBeInstanceOf(InvalidRequestError);
    expect(embedded).toEqual([]);
  });
});

describe('the models to choose from', () => {
  test.each(['strong', 'weak'] as const)('are not compared when only %s is left', async (tier) => {
    const { controller, embedded } = start();
    const decision = await controller.route({ text: 'ask', controls: { models: [tier] } });
    expect(decision).toMatchObject({ tier, reason: 'models', embeddingCache: 'none' });
    expect(decision.upstream.deployment.name).toBe(tier);
    expect(decision).not.toHaveProperty('winRate');
    expect(embedded).toEqual([]);
  });

  test('are compared when both are there', async () => {
    const { controller } = start({ winRate: 0.9 });
    const controls = { models: ['weak', 'strong', 'weak'] };
    expect(await controller.route({ text: 'ask', controls })).toMatchObject({ reason: 'win-rate' });
  });

  test('decide even when there is no text', async () => {
    const { controller } = start();
    const decision = await controller.route({ text: undefined, controls: { models: ['weak'] } });
    expect(decision).toMatchObject({ tier: 'weak', reason: 'models' });
  });

  test.each([[['gpt-9']], [['strong', 'gpt-9']], [['Strong']], [['model-of-strong']], [[]]])(
    '%j are refused with the names that there are, and without theirs',
    async (models) => {
      const { controller } = start();
      const error: unknown = await controller
        .route({ text: 'ask', controls: { models } })
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ status: 400, param: 'routing.models' });
      expect(String(error)).toContain('strong, weak');
      expect(String(error)).not.toContain('gpt-9');
    },
  );
});

describe('a request without text', () => {
  test('goes to the strong model unscored', async () => {
    const { controller, embedded } = start();
    const decision = await controller.route({ text: undefined, controls: {} });
    expect(decision).toMatchObject({ tier: 'strong', reason: 'no-text', threshold: 0.5 });
    expect(decision).not.toHaveProperty('winRate');
    expect(embedded).toEqual([]);
  });
});

describe('an embedding that cannot be had', () => {
  test.each([
    ['rejects', () => Promise.reject(new Error('the secret prompt'))],
    [
      'throws',
      () => {
        throw new Error('the secret prompt');
      },
    ],
  ])('because the embedder %s sends the request to the strong model', async (_, embed) => {
    const { controller, logged } = start({ winRate: 0, getPromptEmbedding: embed });
    const decision = await controller.route({ text: 'ask', controls: {} });
    expect(decision).toMatchObject({
      tier: 'strong',
      upstream: strong,
      reason: 'embedding-unavailable',
      threshold: 0.5,
      embeddingCache: 'none',
    });
    expect(decision).not.toHaveProperty('scorer');
    expect(logged).toEqual([['warning', 'embedding-failed', { error: 'Error' }]]);
  });
});

test('a request whose time is over before its prompt is embedded gets a 504', async () => {
  const { controller } = start({ getPromptEmbedding: () => new Promise(() => undefined) });
  const over = new AbortController();
  const decision = controller.route({ text: 'ask', controls: {} }, over.signal);
  over.abort();
  await expect(decision).rejects.toMatchObject({ status: 504, code: 'decision_timeout' });
});

test('a scorer that fails sends the request to the strong model', async () => {
  const { controller, logged } = start({ scoringError: new Error('secret') });
  expect(await controller.route({ text: 'ask', controls: {} })).toMatchObject({
    tier: 'strong',
    reason: 'scorer-unavailable',
  });
  expect(logged).toEqual([['warning', 'scoring-failed', { error: 'Error' }]]);
});

describe('a request that names its deployment', () => {
  test('goes there without a decision', async () => {
    const { controller, embedded } = start();
    const decision = await controller.route({ text: 'ask', controls: {}, deployment: weak });
    expect(decision).toEqual({
      tier: 'direct',
      upstream: weak,
      reason: 'deployment',
      embeddingCache: 'none',
    });
    expect(embedded).toEqual([]);
  });
});
