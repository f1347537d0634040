import { LRUCache } from 'lru-cache';
import type { FindQuantiles } from '../matrix-factorization/calibrate-models.ts';
import { isByShare, type Quantiles } from '../policy/controls.ts';
import {
  addWinRate,
  blend,
  copyOf,
  createRecentWinRates,
  type Masses,
  massesOf,
  quantilesOf,
  type RecentWinRates,
} from '../policy/recent-win-rates.ts';
import type { DecisionRecord } from './decision-record.ts';

/** The decisions that win rates are from. Without a use case, those of all use cases. */
export type GroupKey = {
  readonly strong: string;
  readonly weak: string;
  readonly useCase?: string | undefined;
};

/** The win rates of one group: those that all instances share, and those added since. */
export type Group = {
  readonly key: GroupKey;
  /** The win rates that are stored; undefined before the first are. */
  stored?: { readonly etag: string; readonly recent: RecentWinRates };
  /** Win rates of this instance that are not stored yet, in their order. */
  pending: number[];
  /** Both together. */
  recent: RecentWinRates;
  found?: Found;
};

/** A distribution in force, and the number of decisions that it is from. */
type Found = {
  readonly masses: Masses;
  readonly own: number;
  readonly count: number;
  readonly prior: Masses;
  readonly quantiles: Quantiles;
};

export type OwnQuantiles = {
  /** As FindQuantiles, by the router's own recent decisions where there are enough. */
  readonly find: FindQuantiles;
  /** Counts a decision if a share decided it. */
  add(decision: DecisionRecord): void;
  /** The groups with decisions that are not stored yet. */
  pending(): readonly Group[];
  /** Takes over the stored win rates of a group, and adds its own that are not stored to them. */
  adopt(key: GroupKey, stored: NonNullable<Group['stored']>): void;
  /** Notes that the first `count` pending win rates of a group are in what was stored. */
  settle(group: Group, stored: NonNullable<Group['stored']>, count: number): void;
};

/** The decisions below which a group has quantiles of others. */
const MIN_COUNT = 50;
/** The decisions after which a group's quantiles are computed again. */
const STEP = 25;
/** Callers may name any number of use cases; each takes 100 KB of memory. */
const MAX_GROUPS = 200;
/** The most decisions that wait to be stored; earlier ones would weigh nothing. */
const MAX_PENDING = 4_000;

/**
 * Follows the win rates of the router's own decisions, for each pair of models and each use case. A
 * use case starts from the quantiles of all, and these start from those of `findShipped`.
 */
export function createOwnQuantiles({
  findShipped,
  isStored,
}: {
  readonly findShipped: FindQuantiles;
  readonly isStored: boolean;
}): OwnQuantiles {
  const groups = new LRUCache<string, Group>({ max: MAX_GROUPS });
  const ofAll = new LRUCache<string, Group>({ max: MAX_GROUPS });
  const shippedMasses = new WeakMap<readonly number[], Masses>();

  // Use cases must not push out the groups of all of them.
  const keptFor = ({ useCase }: GroupKey) => (useCase === undefined ? ofAll : groups);

  function groupOf(key: GroupKey): Group {
    const group = keptFor(key).get(idOf(key)) ?? {
      key,
      pending: [],
      recent: createRecentWinRates(),
    };
    keptFor(key).set(idOf(key), group);
    return group;
  }

  /** Undefined for a group with too few decisions. */
  function enoughOf(key: GroupKey): Group | undefined {
    const group = keptFor(key).get(idOf(key));
    return group !== undefined && group.recent.count >= MIN_COUNT ? group : undefined;
  }

  function find(pair: GroupKey, shipped: Quantiles): Quantiles {
    const all = enoughOf({ strong: pair.strong, weak: pair.weak });
    if (all === undefined) return shipped;
    const start = shippedMasses.get(shipped.values) ?? massesOf(shipped.values);
    shippedMasses.set(shipped.values, start);
    const whole = refresh(all, { masses: start, own: 0 }, shipped);
    const group = enoughOf({ ...pair, useCase: pair.useCase ?? '' });
    return group === undefined ? whole.quantiles : refresh(group, whole, shipped).quantiles;
  }

  return {
    find: (strong, weak, useCase) => {
      const shipped = findShipped(strong, weak);
      if (shipped === undefined || weak === undefined) return shipped;
      return find({ strong, weak, useCase }, shipped);
    },
    add: (decision) => {
      const { useCase = '' } = decision;
      const winRate = winRateOf(decision);
      const pair = pairOf(decision);
      if (winRate === undefined || pair === undefined) return;
      for (const key of [pair, { ...pair, useCase }]) {
        const group = groupOf(key);
        addWinRate(group.recent, winRate);
        if (!isStored) continue;
        group.pending.push(winRate);
        if (group.pending.length > 2 * MAX_PENDING) group.pending.splice(0, MAX_PENDING);
      }
    },
    pending: () =>
      [...ofAll.values(), ...groups.values()].filter(({ pending }) => pending.length > 0),
    adopt: (key, stored) => {
      const group = groupOf(key);
      if (group.stored?.etag === stored.etag) return;
      group.stored = stored;
      group.recent = withPending(group);
      delete group.found;
    },
    settle: (group, stored, count) => {
      group.stored = stored;
      group.pending = group.pending.slice(count);
      group.recent = withPending(group);
      delete group.found;
    },
  };
}

function idOf({ strong, weak, useCase }: GroupKey): string {
  return JSON.stringify([strong, weak, useCase]);
}

function pairOf({ scorerStrong, scorerWeak }: DecisionRecord): GroupKey | undefined {
  if (scorerStrong === undefined || scorerWeak === undefined) return undefined;
  return { strong: scorerStrong, weak: scorerWeak };
}

/** Undefined for a decision that had no win rate, or that no share decided. */
function winRateOf(decision: DecisionRecord): number | undefined {
  const { winRate, thresholdFrom = '' } = decision;
  return isByShare(thresholdFrom) ? winRate : undefined;
}

function withPending({ stored, pending }: Group): RecentWinRates {
  const recent = stored === undefined ? createRecentWinRates() : copyOf(stored.recent);
  for (const winRate of pending) addWinRate(recent, winRate);
  return recent;
}

/** Returns the distribution in force; it is computed again after some decisions, as it takes 50 µs. */
function refresh(group: Group, prior: Pick<Found, 'masses' | 'own'>, shipped: Quantiles): Found {
  const { found, recent } = group;
  const isFresh = found !== undefined && recent.count - found.count < STEP;
  if (isFresh && found.prior === prior.masses) return found;
  const { masses, own: ofGroup } = blend(recent, prior.masses);
  const own = ofGroup + (1 - ofGroup) * prior.own;
  const quantiles = {
    values: quantilesOf(masses),
    from: `own ${Math.round(own * 100)}%`,
    isOwn: true,
    shipped: shipped.values,
    ...(shipped.outcomes && { outcomes: shipped.outcomes }),
  };
  group.found = { masses, own, count: recent.count, prior: prior.masses, quantiles };
  return group.found;
}
