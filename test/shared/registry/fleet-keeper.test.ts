import { describe, expect, test } from 'vitest';
import { UNKNOWN_MODEL } from '../../../shared/capabilities/capabilities.ts';
import { scoreByWish } from '../../../shared/matrix-factorization/stand-in-choice.ts';
import type { DeploymentDefinition } from '../../../shared/registry/definitions.ts';
import type { Fleet } from '../../../shared/registry/fleet.ts';
import { createFleetKeeper } from '../../../shared/registry/fleet-keeper.ts';
import type { Snapshot } from '../../../shared/registry/registry-store.ts';
import type { Version } from '../../../shared/registry/version.ts';
import type { Price } from '../../../shared/spending/price.ts';
import type { Deployment } from '../../../shared/upstream/deployment.ts';
import { createSilentUpstream } from '../../support/fleet.ts';

const STRENGTHS: Readonly<Record<string, number>> = { huge: 3, big: 2, mid: 1, small: 0 };

type Setup = {
  readonly prices?: { readonly strong?: Price; readonly weak?: Price };
  readonly hasStrengths?: boolean;
  /** The scorer's models of the two deployments of the settings. */
  readonly pair?: { readonly strong: string; readonly weak: string };
  /** Names that cannot be resolved; a test may add to them. */
  readonly broken?: ReadonlySet<string>;
};

function toDeployment(name: string, definition: DeploymentDefinition): Deployment {
  return {
    name,
    modelName: definition.model ?? name,
    endpoint: definition.endpoint,
    apiStyle: 'azure',
    apiVersion: '1',
    capabilities: {
      ...UNKNOWN_MODEL,
      lacks: new Set(definition.tags?.includes('blind') ? ['images'] : []),
    },
  };
}

const endpoint = 'https://example.com';

function start({ prices = {}, hasStrengths = true, broken = new Set(), ...setup }: Setup = {}) {
  const pair = setup.pair ?? { strong: 'big', weak: 'small' };
  const settings = (['strong', 'weak'] as const).map((tier) => ({
    tier,
    deployment: toDeployment(tier, { endpoint }),
    scoredAs: scoreByWish(pair[tier], 'the test'),
    price: prices[tier],
  }));
  return createFleetKeeper({
    settings,
    createUpstream: (deployment) => ({ ...createSilentUpstream(deployment.name), deployment }),
    resolve: async (name, definition) => {
      if (broken.has(name)) throw new Error('There is no such secret.');
      return toDeployment(name, definition);
    },
    findScoredAs: (name, { scorer_model }) =>
      scorer_model === null ? undefined : scoreByWish(scorer_model ?? name, 'the test'),
    strengthOf: hasStrengths ? (model) => STRENGTHS[model] ?? 0 : undefined,
  });
}

function snapshot(
  deployments: Readonly<Record<string, Partial<DeploymentDefinition> | undefined>>,
): Snapshot {
  const entries = Object.entries(deployments).map(
    ([name, definition]): Version => ({
      kind: 'deployment',
      name,
      version: 1,
      action: 'create',
      at: '',
      by: '',
      ...(definition && { definition: { endpoint, ...definition } }),
    }),
  );
  return { revision: String(Math.random()), entries, unreadable: [] };
}

function namesOf({ members }: Fleet): string[] {
  return members.map(({ upstream, tier }) => `${upstream.deployment.name} (${tier})`);
}

describe('the fleet', () => {
  test('has the deployments of the settings until the registry has entries', () => {
    const { members, useCases } = start().current();
    expect(members).toMatchObject([
      { tier: 'strong', scorerModel: 'big', assumedCost: Number.POSITIVE_INFINITY, weight: 1 },
      { tier: 'weak', scorerModel: 'small', assumedCost: 0, isEnabled: true },
    ]);
    expect(useCases.size).toBe(0);
  });

  test('is ordered by the strengths of the models according to the scorer', async () => {
    const keeper = start();
    await keeper.apply(snapshot({ mid: {}, huge: {} }));
    expect(namesOf(keeper.current())).toEqual([
      'huge (strong)',
      'strong (weak)',
      'mid (weak)',
      'weak (weak)',
    ]);
  });

  test('is ordered by prices where the scorer has no strengths', async () => {
    const keeper = start({ hasStrengths: false });
    await keeper.apply(
      snapshot({
        dear: { price: { input: 5, output: 20 } },
        fair: { price: { input: 1, output: 4 } },
      }),
    );
    expect(namesOf(keeper.current())).toEqual([
      'strong (strong)',
      'dear (weak)',
      'fair (weak)',
      'weak (weak)',
    ]);
  });

  test('follows the settings on which of their two deployments is strong', () => {
    const keeper = start({ pair: { strong: 'small', weak: 'big' } });
    expect(namesOf(keeper.current())).toEqual(['strong (strong)', 'weak (weak)']);
  });

  test('does not count paused deployments, or those without a scorer model, as the strongest', async () => {
    const keeper = start();
    await keeper.apply(snapshot({ huge: { enabled: false }, tuned: { scorer_model: null } }));
    const names = namesOf(keeper.current());
    expect(names.at(1)).toBe('strong (strong)');
    expect(names.at(-1)).toBe('tuned (weak)');
  });

  test('has all deployments of the strongest model in the strong tier', async () => {
    const keeper = start();
    const region = { model: 'strong', scorer_model: 'big' };
    await keeper.apply(snapshot({ east: region, other: { scorer_model: 'big' } }));
    expect(namesOf(keeper.current())).toEqual([
      'strong (strong)',
      'east (strong)',
      'other (weak)',
      'weak (weak)',
    ]);
  });

  test('keeps the circuit and queue of a deployment when only its rank changes', async () => {
    const keeper = start();
    const upstreamOf = (name: string) =>
      keeper.current().members.find(({ upstream }) => upstream.deployment.name === name)?.upstream;
    const before = upstreamOf('strong');
    await keeper.apply(snapshot({ strong: { enabled: false, weight: 2 }, mid: {} }));
    expect(upstreamOf('strong')).toBe(before);
    const mid = upstreamOf('mid');
    await keeper.apply(snapshot({ mid: { price: { input: 1, output: 1 } } }));
    expect(upstreamOf('mid')).toBe(mid);
    expect(upstreamOf('strong')).toBe(before);
    await keeper.apply(snapshot({ mid: { tags: ['blind'] } }));
    expect(upstreamOf('mid')).not.toBe(mid);
    await keeper.apply(snapshot({ mid: { endpoint: 'https://example.org' } }));
    expect(upstreamOf('mid')?.deployment.endpoint).toBe('https://example.org');
  });

  test('falls back to the settings where an entry is deleted, and drops other entries', async () => {
    const keeper = start();
    await keeper.apply(snapshot({ strong: { scorer_model: 'small' }, mid: {} }));
    await keeper.apply(snapshot({ strong: undefined, mid: undefined }));
    expect(namesOf(keeper.current())).toEqual(['strong (strong)', 'weak (weak)']);
    expect(keeper.current().members[0]?.scorerModel).toBe('big');
  });

  test('keeps the last version that can be called, and names the entry that cannot', async () => {
    const broken = new Set<string>();
    const keeper = start({ broken });
    await keeper.apply(snapshot({ mid: { weight: 5 } }));
    broken.add('mid').add('new').add('strong');
    const problems = await keeper.apply(
      snapshot({ mid: { weight: 7 }, new: {}, strong: { enabled: false }, huge: {} }),
    );
    expect(problems.toSorted()).toEqual(['mid: Error', 'new: Error', 'strong: Error']);
    const { members } = keeper.current();
    expect(members.map(({ upstream, weight }) => [upstream.deployment.name, weight])).toEqual([
      ['huge', 1],
      ['strong', 1],
      ['mid', 5],
      ['weak', 1],
    ]);
    expect(members.every(({ isEnabled }) => isEnabled)).toBe(true);
  });

  test('keeps the last readable version of an entry, and names the entry', async () => {
    const keeper = start();
    const version = { version: 1, action: 'create', at: '', by: '' } as const;
    const policy: Version = {
      kind: 'use_case',
      name: 'batch',
      ...version,
      definition: { mode: 'cost' },
    };
    const { entries } = snapshot({ mid: { weight: 5 } });
    await keeper.apply({ revision: '1', entries: [...entries, policy], unreadable: [] });
    const unreadable = [
      { kind: 'deployment', name: 'mid' },
      { kind: 'deployment', name: 'never-read' },
      { kind: 'use_case', name: 'batch' },
    ] as const;
    const problems = await keeper.apply({ revision: '2', entries: [], unreadable });
    expect(problems).toEqual(['mid: unreadable', 'never-read: unreadable', 'batch: unreadable']);
    expect(namesOf(keeper.current())).toContain('mid (weak)');
    expect([...keeper.current().useCases]).toEqual([['batch', { mode: 'cost' }]]);
  });

  test('does not change for requests that were decided with it', async () => {
    const keeper = start();
    const before = keeper.current();
    await keeper.apply(snapshot({ huge: {} }));
    expect(before.members).toHaveLength(2);
    expect(keeper.current()).not.toBe(before);
  });

  test('has the policies of the use cases', async () => {
    const keeper = start();
    const version = { version: 1, action: 'create', at: '', by: '' } as const;
    const entries: Version[] = [
      { kind: 'use_case', name: 'batch', ...version, definition: { mode: 'cost' } },
      { kind: 'use_case', name: 'gone', ...version },
    ];
    await keeper.apply({ revision: '1', entries, unreadable: [] });
    expect([...keeper.current().useCases]).toEqual([['batch', { mode: 'cost' }]]);
  });
});
