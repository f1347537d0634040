import { createHash } from 'node:crypto';
import type { DecisionRecord } from './decision-record.ts';
import { dayOf } from './request-ids.ts';
import { addDecision, addSums, createSums, driftOf, type Sums } from './sums.ts';

/** Sums are kept by hour, and by five minutes for a closer look at recent requests. */
export const SPAN_MS = { hour: 3_600_000, five_minutes: 300_000 } as const;
export type SpanName = keyof typeof SPAN_MS;

/** The requests that sums are about. */
export type SumKey = {
  readonly span: SpanName;
  /** The start of the hour or the five minutes, in UTC. */
  readonly start: string;
  readonly useCase: string;
  readonly deployment: string;
};

type Group = { readonly key: SumKey; readonly sums: Sums };

type Row = Readonly<Record<string, unknown>> & {
  readonly partitionKey: string;
  readonly rowKey: string;
};

export type Rollup = {
  add(decision: DecisionRecord): void;
  /** Returns the rows that have changed since the last call. */
  changed(): readonly Row[];
  /** Returns the hours in which live prompts drifted from the calibration's, each hour once. */
  drifted(): readonly Drift[];
  /** Marks rows that could not be written as changed again. */
  giveBack(rows: readonly Row[]): void;
};

/** The drift of an hour's prompts on this instance. */
export type Drift = {
  readonly hour: string;
  readonly requests: number;
  /** The distance of their win rates from the calibration's, 0 to 1 (`driftOf`). */
  readonly drift: number;
};

/** By chance this many prompts drift by at most 0.08, with 95% confidence (1.36 / sqrt(n)). */
const MIN_DRIFTED = 300;
const MAX_DRIFT = 0.2;

/** Callers may name any number of use cases: those beyond this number of sums count together. */
const MAX_GROUPS = 2_000;
const OTHERS = '(others)';

/**
 * Sums decisions by time, use case and deployment. Each instance sums only its own decisions in its own
 * rows, and readers add them up: nothing is counted twice, and no instance waits for another.
 */
export function createRollup(instanceId: string, now: () => number = Date.now): Rollup {
  const groups: Record<SpanName, Map<string, Group>> = { hour: new Map(), five_minutes: new Map() };
  const changed = new Set<Group>();
  const told = new Set<string>();
  return {
    add: (decision) => {
      for (const [span, ofSpan] of spansOf(groups)) {
        const group = groupOf(ofSpan, span, decision);
        changed.add(group);
        addDecision(group.sums, decision);
      }
    },
    changed: () => {
      const rows = [...changed].map((group) => toRow(instanceId, group));
      changed.clear();
      for (const [span, ofSpan] of spansOf(groups)) forget(ofSpan, now() - 3 * SPAN_MS[span]);
      return rows;
    },
    drifted: () => {
      const hours = Map.groupBy([...groups.hour.values()], ({ key }) => key.start);
      return [...hours].flatMap(([hour, ofHour]) => {
        const sums = createSums();
        for (const one of ofHour) addSums(sums, one.sums);
        const drift = driftOf(sums) ?? 0;
        if (told.has(hour) || sums.requests < MIN_DRIFTED || drift <= MAX_DRIFT) return [];
        told.add(hour);
        return [{ hour, requests: sums.requests, drift }];
      });
    },
    giveBack: (rows) => {
      const names = new Set(rows.map(({ rowKey }) => rowKey));
      for (const [, ofSpan] of spansOf(groups)) {
        for (const group of ofSpan.values()) {
          if (names.has(toRow(instanceId, group).rowKey)) changed.add(group);
        }
      }
    },
  };
}

function spansOf(groups: Record<SpanName, Map<string, Group>>) {
  return Object.entries(groups) as [SpanName, Map<string, Group>][];
}

function groupOf(groups: Map<string, Group>, span: SpanName, decision: DecisionRecord): Group {
  const { deployment, at } = decision;
  const start = startOf(span, at);
  const find = (useCase: string) => {
    const key = { span, start, useCase, deployment };
    const id = JSON.stringify(key);
    return { id, found: groups.get(id) ?? { key, sums: createSums() } };
  };
  const own = find(decision.useCase ?? '');
  const isFull = !groups.has(own.id) && groups.size >= MAX_GROUPS;
  const { id, found } = isFull ? find(OTHERS) : own;
  groups.set(id, found);
  return found;
}

/** Returns the start of the hour or the five minutes that a time is in. */
export function startOf(span: SpanName, at: number): string {
  return new Date(Math.floor(at / SPAN_MS[span]) * SPAN_MS[span]).toISOString();
}

/** Drops groups too old to receive more decisions. */
function forget(groups: Map<string, Group>, before: number): void {
  for (const [id, { key }] of groups) if (Date.parse(key.start) < before) groups.delete(id);
}

function toRow(instanceId: string, { key, sums }: Group): Row {
  const name = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32);
  return {
    partitionKey: statsPartition(key.span, Date.parse(key.start)),
    rowKey: `${key.start}|${instanceId}|${name}`,
    ...key,
    sums: JSON.stringify(sums),
  };
}

/** Returns the partition of the sums of a time's day; partitions sort by day. */
export function statsPartition(span: SpanName, at: number): string {
  return `${dayOf(at)}|stats${span === 'hour' ? '' : '-fine'}`;
}
