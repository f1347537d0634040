import { createHash } from 'node:crypto';
import type { DecisionRecord } from './decision-record.ts';
import { dayOf } from './request-ids.ts';
import { addDecision, addSums, createSums, driftOf, type Sums } from './sums.ts';

/** What sums are of. */
export type SumKey = {
  /** Its first moment, by UTC. */
  readonly hour: string;
  readonly useCase: string;
  readonly deployment: string;
};

type Row = Readonly<Record<string, unknown>> & {
  readonly partitionKey: string;
  readonly rowKey: string;
};

export type Rollup = {
  add(decision: DecisionRecord): void;
  /** The rows of what has changed since this was last asked. */
  changed(): readonly Row[];
  /** The hours over which live prompts were unlike those that the router was made for, each told once. */
  drifted(): readonly Drift[];
  /** What could not be written is changed again. */
  giveBack(rows: readonly Row[]): void;
};

/** All that this instance decided in an hour. */
export type Drift = {
  readonly hour: string;
  readonly requests: number;
  /** How far their win rates are from the calibration's (`driftOf`). */
  readonly drift: number;
  /** Of prompts unlike the scorer's training data, 0 to 1. */
  readonly outOfDistributionShare: number;
};

const HOUR_MS = 3_600_000;

/** By chance so many have a drift of 0.08 at most, with 95% confidence (1.36 / sqrt(n)). */
const MIN_DRIFTED = 300;
const MAX_DRIFT = 0.2;
/** Of prompts like the training data, one in a hundred is beyond the scorer's limit. */
const MAX_OUTSIDE = 0.1;

/** Callers may name any number of use cases: beyond so many they count together. */
const MAX_GROUPS = 2_000;
const OTHERS = '(others)';

/**
 * Sums of an hour, a use case and a deployment, of this instance alone: each instance writes rows of its
 * own, and whoever reads adds them up, so that nothing is counted twice and nobody waits for anybody.
 */
export function createRollup(instanceId: string, now: () => number = Date.now): Rollup {
  const groups = new Map<string, { readonly key: SumKey; readonly sums: Sums }>();
  const changed = new Set<string>();
  const told = new Set<string>();
  return {
    add: (decision) => {
      const hour = new Date(Math.floor(decision.at / HOUR_MS) * HOUR_MS).toISOString();
      const isFull = groups.size >= MAX_GROUPS;
      const useCase = isFull ? OTHERS : (decision.useCase ?? '');
      const key = { hour, useCase, deployment: decision.deployment };
      const id = JSON.stringify(key);
      const group = groups.get(id) ?? { key, sums: createSums() };
      groups.set(id, group);
      changed.add(id);
      addDecision(group.sums, decision);
    },
    changed: () => {
      const rows = [...changed].flatMap((id) => {
        const group = groups.get(id);
        return group === undefined ? [] : [toRow(instanceId, id, group)];
      });
      changed.clear();
      forget(groups, now());
      return rows;
    },
    drifted: () => {
      const hours = Map.groupBy([...groups.values()], ({ key }) => key.hour);
      return [...hours].flatMap(([hour, ofHour]) => {
        const sums = createSums();
        for (const one of ofHour) addSums(sums, one.sums);
        const drift = driftOf(sums) ?? 0;
        const outOfDistributionShare = sums.outOfDistribution / sums.requests;
        const isDrifted = drift > MAX_DRIFT || outOfDistributionShare > MAX_OUTSIDE;
        if (told.has(hour) || sums.requests < MIN_DRIFTED || !isDrifted) return [];
        told.add(hour);
        return [{ hour, requests: sums.requests, drift, outOfDistributionShare }];
      });
    },
    giveBack: (rows) => {
      for (const row of rows) if (groups.has(String(row['id']))) changed.add(String(row['id']));
    },
  };
}

/** Of an hour that is over for long nothing comes any more. */
function forget(groups: Map<string, { readonly key: SumKey }>, now: number): void {
  for (const [id, { key }] of groups) {
    if (Date.parse(key.hour) < now - 3 * HOUR_MS) groups.delete(id);
  }
}

function toRow(
  instanceId: string,
  id: string,
  { key, sums }: { readonly key: SumKey; readonly sums: Sums },
): Row {
  const name = createHash('sha256').update(id).digest('hex').slice(0, 32);
  return {
    partitionKey: statsPartition(key.hour),
    rowKey: `${key.hour}|${instanceId}|${name}`,
    ...{ ...key, id },
    sums: JSON.stringify(sums),
  };
}

/** Of the day of an hour. It sorts as the days do. */
export function statsPartition(hour: string): string {
  return `${dayOf(Date.parse(hour))}|stats`;
}
