import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FindQuantiles } from '../../../shared/matrix-factorization/calibrate-models.ts';
import type { UseCaseDefinition } from '../../../shared/registry/definitions.ts';
import type { Member } from '../../../shared/registry/fleet.ts';
import { createFindPolicy } from '../../../shared/registry/use-case-policy.ts';
import { createController, type RouteRequest } from '../../../shared/routing/controller.ts';
import type { RoutingDecision } from '../../../shared/routing/routing-decision.ts';
import { createMember } from '../../support/fleet.ts';

type Setup = {
  /** The strongest first. */
  readonly members: readonly Member[];
  /** Of the strongest over each model. */
  readonly winRates?: Readonly<Record<string, number>>;
  readonly policy?: UseCaseDefinition;
  readonly spent?: number;
  readonly tokens?: { readonly prompt: number; readonly completion: number };
  readonly findObstacle?: (name: string) => string | undefined;
  readonly findQuantiles?: FindQuantiles;
};

type Request = Partial<Pick<RouteRequest, 'controls' | 'caller' | 'named'>>;

function start(setup: Setup) {
  const { members, winRates = {}, policy, spent = 0 } = setup;
  const { tokens = { prompt: 1_000, completion: 1_000 } } = setup;
  const controller = createController({
    scorer: {
      name: 'fake@1',
      score: async (embeddings) =>
        embeddings.map(() => ({ winRate: (_, other) => winRates[other] ?? Number.NaN })),
    },
    findQuantiles: setup.findQuantiles ?? (() => undefined),
    policy: { threshold: 0.5, modes: { cost: 0.2, balanced: 0.5, quality: 0.8 } },
    embeddingFailureTier: 'strong',
    getPromptEmbedding: () => ({ embedding: Float32Array.of(1), cache: 'none' }),
    log: () => undefined,
  });
  const fleet = { members, useCases: new Map(policy && [['batch', policy]]) };
  return (request: Request = {}): Promise<RoutingDecision> =>
    controller.route({
      controls: {},
      ...request,
      fleet,
      signal: new AbortController().signal,
      policy: createFindPolicy(() => spent)(fleet, 'batch'),
      ask: {
        found: () => ({ text: 'ask', place: 'message', material: [] }),
        findObstacle: async ({ name }) => setup.findObstacle?.(name),
        tokens: () => tokens,
        promptLimit: () => Number.POSITIVE_INFINITY,
      },
    });
}

function nameOf({ member }: RoutingDecision): string {
  return member.upstream.deployment.name;
}

function reasonsOf({ considered = [] }: RoutingDecision): Record<string, string | undefined> {
  return Object.fromEntries(
    considered.map(({ member, passedOver }) => [member.upstream.deployment.name, passedOver]),
  );
}

const strong = createMember('strong', { tier: 'strong', price: [4, 20] });
const middle = createMember('middle', { price: [2, 12] });
const weak = createMember('weak', { price: [0.2, 1.2] });
const all = [strong, middle, weak];

describe('of several models', () => {
  test.each([
    [{ middle: 0.3, weak: 0.4 }, 'weak', 0.3],
    [{ middle: 0.3, weak: 0.5 }, 'middle', 0.3],
    [{ middle: 0.5, weak: 0.9 }, 'strong', 0.5],
    [{ middle: 0.9, weak: 0.1 }, 'weak', 0.1],
  ])(
    'with the win rates %j the cheapest answers that will do: %s',
    async (winRates, name, least) => {
      const decision = await start({ members: all, winRates })();
      expect(nameOf(decision)).toBe(name);
      expect(decision).toMatchObject({
        reason: 'win-rate',
        tier: name === 'strong' ? 'strong' : 'weak',
        winRate: least,
      });
    },
  );

  test('each is looked at, with its price and why it was passed over', async () => {
    const paused = createMember('paused', { isEnabled: false });
    const unscored = createMember('fine-tuned', { scorerModel: undefined as never });
    const { scorerModel: _, ...unknown } = unscored;
    const images = createMember('images', { price: [1, 1] });
    const decision = await start({
      members: [...all, paused, unknown, images],
      winRates: { middle: 0.2, weak: 0.7 },
      findObstacle: (name) => (name === 'images' ? 'images' : undefined),
    })();
    expect(decision.considered).toMatchObject([
      { cost: 0.024, passedOver: 'price' },
      { cost: 0.014, winRate: 0.2 },
      { cost: 0.0014, winRate: 0.7, passedOver: 'win-rate' },
      { passedOver: 'paused' },
      { passedOver: 'no-scorer-model' },
      { passedOver: 'requirements', obstacle: 'images' },
    ]);
    expect(decision.others.map(({ upstream }) => upstream.deployment.name)).toEqual([
      'strong',
      'weak',
    ]);
  });

  test('the strongest that is left is the one to be beaten', async () => {
    const route = start({ members: all, winRates: { weak: 0.6 } });
    const decision = await route({ controls: { models: ['middle', 'weak'] } });
    expect(nameOf(decision)).toBe('middle');
    expect(decision).toMatchObject({ tier: 'weak', reason: 'win-rate', winRate: 0.6 });
  });

  test('a strong share is that of the strongest and the cheapest: others only take from it', async () => {
    const values = Array.from({ length: 101 }, (_, index) => index / 100);
    const asked: unknown[] = [];
    const findQuantiles: FindQuantiles = (...pair) => {
      asked.push(pair.slice(0, 2));
      return { values, from: 'shipped' };
    };
    const controls = { strongShare: 0.3 };
    const two = { members: [strong, weak], winRates: { weak: 0.8 }, findQuantiles };
    const three = { members: all, winRates: { middle: 0.6, weak: 0.8 }, findQuantiles };
    const [before, after] = [await start(two)({ controls }), await start(three)({ controls })];
    expect([before.threshold, after.threshold]).toEqual([before.threshold, before.threshold]);
    expect([nameOf(before), nameOf(after)]).toEqual(['strong', 'middle']);
    expect([before.percentile, after.percentile]).toEqual([0.8, 0.8]);
    expect(asked).toEqual([
      ['strong', 'weak'],
      ['strong', 'weak'],
    ]);
  });

  test('those that the caller may not have are not shown', async () => {
    const caller = { name: 'ci', role: 'user', deployments: ['middle', 'weak'] } as const;
    const decision = await start({ members: all, winRates: { weak: 0.6 } })({ caller });
    expect(reasonsOf(decision)).toEqual({ middle: undefined, weak: 'win-rate' });
    const named = await start({ members: all })({ caller, controls: { models: ['weak'] } });
    expect(reasonsOf(named)).toEqual({ middle: 'models', weak: undefined });
  });

  test('one whose price is not known counts as dear', async () => {
    const unpriced = createMember('unpriced');
    const winRates = { unpriced: 0.1, weak: 0.1 };
    expect(nameOf(await start({ members: [strong, unpriced, weak], winRates })())).toBe('weak');
  });

  test('the decision is right for any prices and win rates', async () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const dollars = fc.integer({ min: 0, max: 100_000 }).map((tenths) => tenths / 1_000);
    const price = fc.tuple(dollars, dollars);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(price, share), { minLength: 2, maxLength: 20 }),
        share,
        fc.record({ prompt: fc.nat(100_000), completion: fc.nat(100_000) }),
        async (models, threshold, tokens) => {
          const members = models.map(([prices], index) =>
            createMember(`m${index}`, { price: prices, tier: index === 0 ? 'strong' : 'weak' }),
          );
          const winRates = Object.fromEntries(models.map(([, rate], index) => [`m${index}`, rate]));
          const decision = await start({ members, winRates, tokens })({ controls: { threshold } });
          const costs = models.map(
            ([[input, output]]) => input * tokens.prompt + output * tokens.completion,
          );
          const wouldDo = models.map(([, rate], index) => index === 0 || rate < threshold);
          const chosen = Number(nameOf(decision).slice(1));
          expect(wouldDo[chosen]).toBe(true);
          for (const [index, cost] of costs.entries()) {
            if (wouldDo[index]) expect(costs[chosen]).toBeLessThanOrEqual(cost * (1 + 1e-12));
          }
          for (const { passedOver, member } of decision.considered ?? []) {
            const index = Number(member.upstream.deployment.name.slice(1));
            expect(passedOver).toBe(
              index === chosen ? undefined : wouldDo[index] ? 'price' : 'win-rate',
            );
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('several deployments of one model', () => {
  const west = createMember('west', { model: 'mini', price: [1, 1], weight: 3 });
  const east = createMember('east', { model: 'mini', price: [1, 1] });

  test('share its load by their weights, and stand in for each other first', async () => {
    const route = start({ members: [strong, west, east], winRates: { mini: 0.1 } });
    const counts: Record<string, number> = {};
    for (let call = 0; call < 4_000; call += 1) {
      const decision = await route();
      counts[nameOf(decision)] = (counts[nameOf(decision)] ?? 0) + 1;
      expect(decision.others.map(({ upstream }) => upstream.deployment.modelName)).toEqual([
        'mini',
        'strong',
      ]);
      expect(Object.values(reasonsOf(decision)).toSorted()).toEqual(['load', 'price', undefined]);
    }
    const { west: most = 0, east: least = 0 } = counts;
    expect(most / least).toBeGreaterThan(2.5);
    expect(most / least).toBeLessThan(3.5);
  });

  test.each([
    ['rests after a 429', { circuit: 'closed', resting_ms: 500, in_flight: 0, queued: 0 }],
    ['is left alone', { circuit: 'open', in_flight: 0, queued: 0 }],
  ] as const)('leave out one that %s', async (_, state) => {
    const busy = createMember('west', {
      model: 'mini',
      price: [1, 1],
      weight: 100,
      state: () => state,
    });
    const route = start({ members: [strong, busy, east], winRates: { mini: 0.1 } });
    for (let call = 0; call < 100; call += 1) expect(nameOf(await route())).toBe('east');
  });

  test('are one model that is left when the others are not', async () => {
    const route = start({ members: [strong, west, east] });
    const decision = await route({ controls: { models: ['mini'] } });
    expect(decision).toMatchObject({ reason: 'models', tier: 'weak' });
    expect(decision.others).toHaveLength(1);
  });
});

describe('the policy of a use case', () => {
  const winRates = { middle: 0.6, weak: 0.7 };

  test('limits the models', async () => {
    const route = start({ members: all, winRates, policy: { models: ['middle', 'weak'] } });
    expect(nameOf(await route())).toBe('middle');
    const refused = route({ controls: { models: ['strong'] } });
    await expect(refused).rejects.toMatchObject({
      status: 403,
      code: 'deployment_not_allowed',
      param: 'routing.models',
    });
    await expect(route({ named: strong })).rejects.toMatchObject({ status: 403 });
    expect(await route({ named: weak })).toMatchObject({ tier: 'direct' });
  });

  test.each([
    [{ threshold: 0.75 }, {}, 'weak'],
    [{ threshold: 0.65 }, {}, 'middle'],
    [{ threshold: 0.65 }, { threshold: 0.1 }, 'strong'],
  ])('%j with the request %j sends it to %s', async (policy, controls, name) => {
    expect(nameOf(await start({ members: all, winRates, policy })({ controls }))).toBe(name);
  });

  test('limits what a request is estimated to cost', async () => {
    const route = start({ members: all, winRates, policy: { price_ceiling: 0.02 } });
    const decision = await route();
    expect(nameOf(decision)).toBe('middle');
    expect(reasonsOf(decision)).toMatchObject({ strong: 'price-ceiling', weak: 'win-rate' });
    await expect(route({ named: strong })).rejects.toMatchObject({ code: 'price_ceiling' });
  });

  test('leaves one model below the ceiling, or none', async () => {
    const low = start({ members: all, winRates, policy: { price_ceiling: 0.01 } });
    expect(await low()).toMatchObject({ reason: 'price-ceiling', tier: 'weak' });
    const none = start({ members: all, winRates, policy: { price_ceiling: 0.001 } });
    await expect(none()).rejects.toMatchObject({ status: 400, code: 'price_ceiling' });
    await expect(none()).rejects.toThrow(/0\.0014.*0\.001 USD/);
  });

  test('sends all to the cheapest of the weak tier once the budget is spent', async () => {
    const policy = { daily_budget: 5 };
    const before = await start({ members: all, winRates, policy, spent: 4.999 })();
    expect(before).toMatchObject({ reason: 'win-rate', tier: 'strong' });
    const route = start({ members: all, winRates, policy, spent: 5 });
    const decision = await route({ controls: { threshold: 0 } });
    expect(decision).toMatchObject({ reason: 'budget', tier: 'weak' });
    expect(nameOf(decision)).toBe('weak');
    expect(reasonsOf(decision)).toEqual({ strong: 'budget', middle: 'price', weak: undefined });
    expect(decision.others.map(({ tier }) => tier)).toEqual(['weak']);
  });

  test('refuses what the weak tier cannot answer once the budget is spent, until midnight', async () => {
    const route = start({
      members: all,
      policy: { daily_budget: 5 },
      spent: 6,
      findObstacle: (name) => (name === 'strong' ? undefined : 'images'),
    });
    const error: unknown = await route().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ status: 429, code: 'budget_spent' });
    const { 'retry-after': seconds } = (error as { headers: Record<string, string> }).headers;
    expect(Number(seconds)).toBeGreaterThan(0);
    expect(Number(seconds)).toBeLessThanOrEqual(86_400);
    await expect(route({ named: strong })).rejects.toMatchObject({ code: 'budget_spent' });
  });
});

test('where all are paused there is nothing to choose', async () => {
  const route = start({ members: [createMember('a', { isEnabled: false })] });
  await expect(route()).rejects.toMatchObject({ status: 503, code: 'no_deployment' });
});
