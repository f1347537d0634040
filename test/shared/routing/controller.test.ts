import { describe, expect, test } from 'vitest';
import { InvalidRequestError } from '../../../shared/base/errors.ts';
import type { Prediction } from '../../../shared/matrix-factorization/scorer.ts';
import type { GetPromptEmbedding } from '../../../shared/prompt-embedding/prompt-embedding.ts';
import type { Fleet } from '../../../shared/registry/fleet.ts';
import type { Ask } from '../../../shared/routing/ask.ts';
import {
  createController,
  type RouteBatch,
  type RouteRequest,
} from '../../../shared/routing/controller.ts';
import type { RoutingDecision } from '../../../shared/routing/routing-decision.ts';
import { createMember } from '../../support/fleet.ts';

const modes = { cost: 0.2, balanced: 0.5, quality: 0.8 };
const quantiles = Array.from({ length: 101 }, (_, index) => index / 100);

const strong = createMember('strong', {
  tier: 'strong',
  model: 'model-of-strong',
  scorerModel: 'big',
});
const weak = createMember('weak', {
  model: 'model-of-weak',
  scorerModel: 'small',
  assumedCost: 0,
});
const fleet: Fleet = { members: [strong, weak], useCases: new Map() };

type FindObstacle = Ask['findObstacle'];
const able: FindObstacle = async () => undefined;
const tokens = () => ({ prompt: 10, completion: 500 });

/** What a test says of a request; the rest is that nothing stands in its way. */
function foundAsk(text: string | undefined): ReturnType<Ask['found']> {
  return text === undefined ? undefined : { text, place: 'message', material: [] };
}

type Wish = Omit<RouteRequest, 'signal' | 'fleet' | 'ask'> & {
  readonly text: string | undefined;
  readonly findObstacle?: FindObstacle;
};
type BatchWish = Omit<RouteBatch, 'signal' | 'fleet' | 'asks'> & {
  readonly texts: readonly string[];
  readonly findObstacle?: (text: string) => FindObstacle;
};

type Setup = {
  readonly winRate?: number;
  readonly embeddingFailureTier?: 'strong' | 'weak';
  /** Instead of the win rate, for all prompts alike. */
  readonly predict?: (embedding: Float32Array) => Prediction | undefined;
  readonly isCalibrated?: boolean;
  readonly getPromptEmbedding?: GetPromptEmbedding;
};

function start(setup: Setup = {}) {
  const { winRate = 0.5, isCalibrated = true } = setup;
  const { getPromptEmbedding } = setup;
  const prediction = { winRate };
  const predict = setup.predict ?? (() => prediction);
  const scored: unknown[] = [];
  const embedded: string[] = [];
  const logged: unknown[] = [];
  const controller = createController({
    scorer: {
      name: 'fake@1',
      score: async (embeddings) => {
        scored.push(embeddings);
        return embeddings.map((embedding) => {
          const { winRate, ...rest } = predict(embedding) ?? { winRate: Number.NaN };
          return {
            ...rest,
            winRate: (one, other) => {
              expect([one, other]).toEqual(['big', 'small']);
              return winRate;
            },
          };
        });
      },
    },
    findQuantiles: () => (isCalibrated ? { values: quantiles, from: 'shipped' } : undefined),
    embeddingFailureTier: setup.embeddingFailureTier ?? 'strong',
    policy: { threshold: 0.5, modes },
    getPromptEmbedding:
      getPromptEmbedding ??
      ((text) => {
        embedded.push(text);
        return { embedding: Float32Array.of(1, 2), cache: 'hit' };
      }),
    log: (...line) => logged.push(line),
  });
  const promptLimit = () => Number.POSITIVE_INFINITY;
  const route = (
    { text, findObstacle = able, ...request }: Wish,
    signal = new AbortController().signal,
  ) =>
    controller.route({
      ...request,
      fleet,
      ask: { found: () => foundAsk(text), findObstacle, tokens, promptLimit },
      signal,
    });
  const routeAll = (
    { texts, findObstacle = () => able, ...batch }: BatchWish,
    signal = new AbortController().signal,
  ) => {
    const asks = texts.map((text) => ({
      found: () => foundAsk(text),
      findObstacle: findObstacle(text),
      tokens,
      promptLimit,
    }));
    return controller.routeAll({ ...batch, fleet, asks, signal });
  };
  return { controller: { route, routeAll }, scored, embedded, logged };
}

/** Nor whom the decision was between, of which `considered` says all. */
function withoutTimes({ times: _, strongest: __, cheapest: ___, ...decision }: RoutingDecision) {
  return decision;
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
    expect(
      withoutTimes(await controller.route({ text: 'ask', controls: { threshold: 0.125 } })),
    ).toEqual({
      tier: 'strong',
      member: strong,
      others: [weak],
      considered: [
        { member: strong, cost: Number.POSITIVE_INFINITY },
        { member: weak, cost: 0, winRate: 0.25, passedOver: 'win-rate' },
      ],
      reason: 'win-rate',
      winRate: 0.25,
      percentile: 0.25,
      strongShareForeseen: 0.875,
      threshold: 0.125,
      thresholdFrom: 'request',
      scorer: 'fake@1',
      embeddingCache: 'hit',
    });
    expect(embedded).toEqual(['ask']);
    expect(scored).toEqual([[Float32Array.of(1, 2)]]);
  });

  test('has no percentile without a calibration', async () => {
    const { controller } = start({ isCalibrated: false });
    const { percentile } = await controller.route({ text: 'ask', controls: {} });
    expect(percentile).toBeUndefined();
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
    const { controller, embedded } = start({ isCalibrated: false });
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
    expect(decision.member.upstream.deployment.name).toBe(tier);
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

  test.each([[['gpt-9']], [['strong', 'gpt-9']], [['Strong']], [[]]])(
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
      member: strong,
      reason: 'embedding-unavailable',
      threshold: 0.5,
      thresholdFrom: 'setting',
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

describe('a scorer that fails', () => {
  const fail = () => {
    throw new Error('secret');
  };
  test.each([
    ['throws', fail, 'Error'],
    ['gives no number', () => undefined, 'NaN'],
  ])('because it %s sends the request to the strong model', async (_, predict, error) => {
    const { controller, logged } = start({ predict });
    const decision = await controller.route({ text: 'ask', controls: {} });
    expect(withoutTimes(decision)).toEqual({
      tier: 'strong',
      member: strong,
      others: [weak],
      considered: [
        { member: strong, cost: Number.POSITIVE_INFINITY },
        { member: weak, cost: 0, passedOver: 'tier' },
      ],
      reason: 'scorer-unavailable',
      threshold: 0.5,
      thresholdFrom: 'setting',
      embeddingCache: 'hit',
    });
    expect(logged).toEqual([['warning', 'scoring-failed', { error }]]);
  });
});

describe('a batch', () => {
  const count = 150;
  const texts = Array.from({ length: count }, (_, index) => String(index));
  const embed: GetPromptEmbedding = (text) => ({
    embedding: Float32Array.of(Number(text) / count),
    cache: 'miss',
  });
  const predict = (embedding: Float32Array) => ({ winRate: embedding[0] ?? Number.NaN });

  test('is decided on in its order, as each prompt would be alone', async () => {
    const { controller } = start({ getPromptEmbedding: embed, predict });
    const controls = { threshold: 0.3 };
    const alone: RoutingDecision[] = [];
    for (const text of texts) alone.push(await controller.route({ text, controls }));
    const together = await controller.routeAll({ texts, controls });
    expect(together.map(withoutTimes)).toEqual(alone.map(withoutTimes));
    expect(new Set(alone.map(({ tier }) => tier))).toEqual(new Set(['strong', 'weak']));
  });

  test('is scored in runs of at most 64 prompts', async () => {
    const { controller, scored } = start({ getPromptEmbedding: embed, predict });
    await controller.routeAll({ texts, controls: {} });
    const sizes = scored.map((call) => (call as unknown[]).length);
    expect(sizes).toEqual([64, 64, 22]);
  });

  test('embeds at most 8 prompts at once', async () => {
    let [underWay, most] = [0, 0];
    const getPromptEmbedding: GetPromptEmbedding = async (text) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setTimeout(resolve, 1));
      underWay -= 1;
      return embed(text);
    };
    const { controller } = start({ getPromptEmbedding, predict });
    expect(await controller.routeAll({ texts, controls: {} })).toHaveLength(count);
    expect(most).toBe(8);
  });

  test('lets others have their turn at least every 8 prompts that are computed here', async () => {
    const perTurn = [0];
    const nextTurn = () => {
      perTurn.push(0);
      if (perTurn.length < 1_000) setImmediate(nextTurn);
    };
    setImmediate(nextTurn);
    const getPromptEmbedding: GetPromptEmbedding = (text) => {
      perTurn.push((perTurn.pop() ?? 0) + 1);
      return embed(text);
    };
    const { controller } = start({ getPromptEmbedding, predict });
    await controller.routeAll({ texts, controls: {} });
    expect(perTurn.reduce((sum, one) => sum + one)).toBe(count);
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(8);
  });

  test('keeps a prompt that cannot be embedded or scored apart from the others', async () => {
    const { controller, logged } = start({
      getPromptEmbedding: (text) => {
        if (text === '1') throw new Error('secret');
        return embed(text);
      },
      predict: (embedding) =>
        embedding[0] === Math.fround(3 / count) ? undefined : predict(embedding),
    });
    const decisions = await controller.routeAll({ texts: texts.slice(0, 5), controls: {} });
    expect(decisions.map(({ reason }) => reason)).toEqual([
      'win-rate',
      'embedding-unavailable',
      'win-rate',
      'scorer-unavailable',
      'win-rate',
    ]);
    expect(decisions[4]?.winRate).toBeCloseTo(4 / count, 6);
    expect(logged).toEqual([
      ['warning', 'embedding-failed', { error: 'Error' }],
      ['warning', 'scoring-failed', { error: 'NaN' }],
    ]);
  });

  test('of which no prompt can be embedded scores none', async () => {
    const { controller, scored } = start({ getPromptEmbedding: () => Promise.reject(new Error()) });
    const decisions = await controller.routeAll({ texts: ['a', 'b'], controls: {} });
    expect(decisions.map(({ tier }) => tier)).toEqual(['strong', 'strong']);
    expect(scored).toEqual([]);
  });

  test('embeds nothing when one model is left', async () => {
    const { controller, embedded } = start();
    const decisions = await controller.routeAll({ texts, controls: { models: ['weak'] } });
    expect(decisions).toHaveLength(count);
    expect(decisions[count - 1]).toMatchObject({ tier: 'weak', reason: 'models' });
    expect(embedded).toEqual([]);
  });

  test('ends with its time, in the middle of what is computed here', async () => {
    const over = new AbortController();
    let embedded = 0;
    const { controller } = start({
      predict,
      getPromptEmbedding: (text) => {
        embedded += 1;
        if (embedded === 20) over.abort();
        return embed(text);
      },
    });
    const decisions = controller.routeAll({ texts, controls: {} }, over.signal);
    await expect(decisions).rejects.toMatchObject({ status: 504, code: 'decision_timeout' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(embedded).toBeLessThan(40);
  });
});

describe('a request that names its deployment', () => {
  test('goes there without a decision', async () => {
    const { controller, embedded } = start();
    const decision = await controller.route({ text: 'ask', controls: {}, named: weak });
    expect(decision).toEqual({
      tier: 'direct',
      member: weak,
      others: [],
      reason: 'deployment',
      embeddingCache: 'none',
    });
    expect(embedded).toEqual([]);
  });
});

describe('what a caller may not have', () => {
  const caller = { name: 'ci', role: 'user', deployments: ['weak'] } as const;

  test('is left out: one that is left answers unscored, and has none in its place', async () => {
    const { controller, embedded } = start({ winRate: 0.9 });
    const decision = await controller.route({ text: 'ask', controls: {}, caller });
    expect(decision).toMatchObject({ tier: 'weak', reason: 'models', others: [] });
    expect(embedded).toEqual([]);
  });

  test.each([
    ['by its name', { named: strong }, {}],
    ['among the models to choose from', {}, { models: ['strong'] }],
  ])('is refused when it is asked for %s', async (_, request, controls) => {
    const { controller } = start();
    const decision = controller.route({
      text: 'ask',
      controls,
      caller,
      ...request,
    });
    await expect(decision).rejects.toMatchObject({ status: 403, code: 'deployment_not_allowed' });
  });
});

describe('what a deployment cannot serve', () => {
  const cannot = (name: string) => async (deployment: { readonly name: string }) =>
    deployment.name === name ? 'images' : undefined;

  test('makes it no candidate: the other answers unscored, and is alone', async () => {
    const { controller, embedded } = start({ winRate: 0.1 });
    const request = { text: 'ask', controls: {}, findObstacle: cannot('weak') };
    const decision = await controller.route(request);
    expect(decision).toMatchObject({ tier: 'strong', reason: 'requirements', others: [] });
    expect(embedded).toEqual([]);
  });

  test('is refused when none is left, saying what each lacks', async () => {
    const { controller } = start();
    const decision = controller.route({
      text: 'ask',
      controls: {},
      findObstacle: async ({ name }) => (name === 'weak' ? 'images' : 'tools'),
    });
    await expect(decision).rejects.toMatchObject({ status: 400, code: 'no_capable_deployment' });
    await expect(decision).rejects.toThrow(/strong.*tools.*weak.*images/s);
  });

  test('is its own to refuse when it is called by its name', async () => {
    const { controller } = start();
    const request = { text: 'ask', controls: {}, findObstacle: cannot('weak'), named: weak };
    expect(await controller.route(request)).toMatchObject({ tier: 'direct', member: weak });
  });

  test('is looked at for each prompt of a batch', async () => {
    const { controller, embedded } = start({ winRate: 0.1 });
    const decisions = await controller.routeAll({
      texts: ['short', 'a long one', 'short too'],
      controls: {},
      findObstacle: (text) => (text.length > 9 ? cannot('weak') : async () => undefined),
    });
    expect(decisions.map(({ tier }) => tier)).toEqual(['weak', 'strong', 'weak']);
    expect(embedded).toEqual(['short', 'short too']);
  });
});

test('a prompt that cannot be scored goes where the operator has chosen', async () => {
  const { controller } = start({
    embeddingFailureTier: 'weak',
    getPromptEmbedding: () => Promise.reject(new Error('down')),
  });
  const decision = await controller.route({ text: 'ask', controls: {} });
  expect(decision).toMatchObject({ tier: 'weak', reason: 'embedding-unavailable' });
});

test('models may be named by the model behind them', async () => {
  const { controller } = start();
  const decision = await controller.route({
    text: 'ask',
    controls: { models: ['model-of-weak'] },
  });
  expect(decision).toMatchObject({ tier: 'weak', reason: 'models' });
});
