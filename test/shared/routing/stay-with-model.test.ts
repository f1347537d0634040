import { describe, expect, test } from 'vitest';
import type { Session } from '../../../shared/policy/session.ts';
import type { Member, Model } from '../../../shared/registry/fleet.ts';
import { findHeld, stayOrSwitch, stayUnscored } from '../../../shared/routing/stay-with-model.ts';

type Price = { readonly input: number; readonly output: number; readonly cached_input?: number };

function model(name: string, price?: Price): Model {
  const member = {
    upstream: { deployment: { name } },
    modelKey: name,
    isEnabled: true,
    weight: 1,
    ...(price && { price }),
    assumedCost: name === 'weak' ? 0 : Number.POSITIVE_INFINITY,
  };
  // What else a member has is nothing to a session.
  return { members: [member as unknown as Member], scorerModel: name, cost: 1 };
}

const session: Session = {
  affinity: 'adaptive',
  switchMargin: 0.05,
  deployment: 'strong',
  isToolLoop: false,
  cachedTokens: 0,
};

/** Where a conversation goes that is with the strong model while the weak one would do. */
function settle(
  winRate: number,
  more: Partial<Session>,
  strong?: Price,
  weak?: Price,
  prompt = 10_000,
) {
  const models = [model('strong', strong), model('weak', weak)];
  const [strongest, cheapest] = models as [Model, Model];
  const held = findHeld({ ...session, ...more }, models);
  if (held === undefined) throw new Error('It is nowhere.');
  const ranking = {
    ranked: [cheapest, strongest],
    reason: 'win-rate' as const,
    facts: { winRate, rivals: [{ model: cheapest, winRate }] },
  };
  const place = {
    session: { ...session, ...more },
    held,
    models,
    threshold: 0.5,
    tokens: { prompt, completion: 100 },
  };
  const { ranked, reason, facts } = stayOrSwitch(place, ranking);
  return { to: ranked[0]?.scorerModel, reason, facts };
}

describe('a conversation with a dear model', () => {
  const strong = { input: 4, output: 20, cached_input: 0.4 };

  test('comes down when the win rate is clear of the threshold by the margin', () => {
    const weak = { input: 0.2, output: 1.2 };
    expect(settle(0.44, {}, strong, weak)).toMatchObject({ to: 'weak', reason: 'win-rate' });
    expect(settle(0.46, {}, strong, weak)).toMatchObject({ to: 'strong', reason: 'session' });
    expect(settle(0.46, { switchMargin: 0 }, strong, weak)).toMatchObject({ to: 'weak' });
  });

  test('stays while its prompt is cached and the other one is not cheap enough to read it anew', () => {
    const weak = { input: 2, output: 10 };
    // 10,000 tokens: 0.004 USD cached with the one, 0.02 USD anew with the other.
    const cached = settle(0.1, { cachedTokens: 10_000 }, strong, weak);
    expect(cached).toMatchObject({ to: 'strong', reason: 'session' });
    expect(cached.facts.costToStay).toBeCloseTo(0.006, 10);
    expect(cached.facts.costToSwitch).toBeCloseTo(0.021, 10);
    expect(settle(0.1, { cachedTokens: 0 }, strong, weak)).toMatchObject({ to: 'weak' });
    // More than the prompt has cannot be cached.
    const shorter = settle(0.1, { cachedTokens: 1e9 }, strong, weak, 1_000);
    expect(shorter.facts.costToStay).toBeCloseTo(0.0024, 10);
  });

  test('counts a quarter for what is cached where that price is not known', () => {
    const { facts } = settle(0.1, { cachedTokens: 10_000 }, { input: 4, output: 20 }, strong);
    expect(facts.costToStay).toBeCloseTo(0.012, 10);
  });

  test('comes down by the margin alone where prices are not known', () => {
    expect(settle(0.1, { cachedTokens: 10_000 })).toMatchObject({ to: 'weak' });
    expect(settle(0.46, {})).toMatchObject({ to: 'strong' });
  });
});

describe('a conversation with a cheap model', () => {
  const models = [model('strong'), model('weak')];
  const [strongest, cheapest] = models as [Model, Model];
  const held = { model: cheapest, member: cheapest.members[0] as Member };
  const tokens = { prompt: 10, completion: 100 };
  const place = { session, held, models, threshold: 0.5, tokens };

  test.each([
    ['win-rate', 'strong'],
    ['embedding-unavailable', 'weak'],
    ['scorer-unavailable', 'weak'],
    ['no-text', 'weak'],
  ] as const)('goes up for a judgement alone: %s', (reason, to) => {
    const ranking = { ranked: [strongest, cheapest], reason, facts: {} };
    const settled = stayOrSwitch({ ...place, session: { ...session, cachedTokens: 1e6 } }, ranking);
    expect(settled.ranked[0]?.scorerModel).toBe(to);
    expect(settled.ranked).toHaveLength(2);
  });

  test('stays unscored in a loop of tools, and when it is sticky', () => {
    expect(stayUnscored(place)).toBeUndefined();
    expect(stayUnscored({ ...place, session: { ...session, isToolLoop: true } })).toMatchObject({
      ranked: [cheapest, strongest],
      reason: 'tool-loop',
    });
    expect(stayUnscored({ ...place, session: { ...session, affinity: 'sticky' } })).toMatchObject({
      reason: 'session',
    });
  });

  test('is nowhere when that is no candidate any more', () => {
    expect(findHeld({ ...session, deployment: 'gone' }, models)).toBeUndefined();
    const { deployment: _, ...fresh } = session;
    expect(findHeld(fresh, models)).toBeUndefined();
  });
});
