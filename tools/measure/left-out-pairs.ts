import type { RoutingRow } from '../model/routing-rows.ts';

/** Two models whose answers are graded. */
export type LeftOutPair = {
  readonly strong: string;
  readonly weak: string;
  readonly rows: number;
  /** Mean score of the strong model minus that of the weak one, 0 to 1. */
  readonly gap: number;
};

/** Pairs that are graded on the same rows, so that one ranking of the rows serves all of them. */
type Group = {
  readonly pairs: readonly LeftOutPair[];
  readonly rows: Int32Array;
  readonly scores: ReadonlyMap<string, Float64Array>;
};

export type LeftOutPairs = {
  readonly pairs: readonly LeftOutPair[];
  /** Returns the APGR of each pair when prompts are ranked by these numbers, one for each row. */
  readonly apgrs: (ranks: Float64Array) => Float64Array;
};

/** The graded rows below which a pair's APGR says little. */
const MIN_ROWS = 150;
/** The gap below which a pair's APGR, which is divided by it, says little. */
const MIN_GAP = 0.05;

/** Finds the pairs of each file's models of which one is clearly better. */
export function findLeftOutPairs(
  rows: readonly RoutingRow[],
  files: readonly number[],
): LeftOutPairs {
  const graded = [...rows.keys()].filter((row) => rows[row]?.scores && !rows[row]?.assumed);
  const groups = [...Map.groupBy(graded, (row) => files[row])].flatMap(([, ofFile]) =>
    groupsOf(ofFile, rows),
  );
  return {
    pairs: groups.flatMap(({ pairs }) => pairs),
    apgrs: (ranks) => Float64Array.from(groups.flatMap((group) => apgrsOf(group, ranks))),
  };
}

function groupsOf(ofFile: readonly number[], rows: readonly RoutingRow[]): Group[] {
  const scoreOf = (row: number, model: string) => rows[row]?.scores?.get(model);
  const models = [...new Set(ofFile.flatMap((row) => [...(rows[row]?.scores?.keys() ?? [])]))];
  const found = models.flatMap((one, index) =>
    models.slice(index + 1).flatMap((other) => {
      const shared = ofFile.filter(
        (row) => scoreOf(row, one) !== undefined && scoreOf(row, other) !== undefined,
      );
      if (shared.length < MIN_ROWS) return [];
      const gap = meanOf(
        shared.map((row) => (scoreOf(row, one) ?? 0) - (scoreOf(row, other) ?? 0)),
      );
      if (Math.abs(gap) < MIN_GAP) return [];
      const [strong, weak] = gap > 0 ? [one, other] : [other, one];
      const pair: LeftOutPair = { strong, weak, rows: shared.length, gap: Math.abs(gap) };
      return [{ pair, shared }];
    }),
  );
  return [...Map.groupBy(found, ({ shared }) => shared.join()).values()].map((same) => {
    const shared = same[0]?.shared ?? [];
    const pairs = same.map(({ pair }) => pair);
    const known = new Set(pairs.flatMap(({ strong, weak }) => [strong, weak]));
    const scores = [...known].map(
      (model) => [model, Float64Array.from(shared, (row) => scoreOf(row, model) ?? 0)] as const,
    );
    return { pairs, rows: Int32Array.from(shared), scores: new Map(scores) };
  });
}

/**
 * The APGR of `measureRouting` as a sum: the answer at place i of n gains its pair's difference over
 * the share 1 - (i - 1/2) / n of all thresholds. So a model has one sum for all of its pairs.
 */
function apgrsOf({ pairs, rows, scores }: Group, ranks: Float64Array): number[] {
  const order = Int32Array.from(rows.keys()).sort(
    (a, b) => (ranks[rows[b] ?? 0] ?? 0) - (ranks[rows[a] ?? 0] ?? 0),
  );
  const gains = new Map(
    [...scores].map(([model, own]) => {
      let sum = 0;
      for (let place = 0; place < order.length; place += 1) {
        sum += (1 - (place + 0.5) / order.length) * (own[order[place] ?? 0] ?? 0);
      }
      return [model, sum / order.length];
    }),
  );
  return pairs.map(({ strong, weak, gap }) => {
    return ((gains.get(strong) ?? 0) - (gains.get(weak) ?? 0)) / gap;
  });
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
