import { LENGTH } from './evaluation.ts';
import type { ScoredRow } from './evaluation-data.ts';

/** Two sources; the win rates of one should be above those of the other. */
export type AucSources = { readonly lower: string; readonly higher: string };

export type AucLine = AucSources & { readonly router: string; readonly auc: number };

/** Measures the AUC of the prompt's length and of each scorer. Both sources have rows. */
export function measureAucs(
  rows: readonly ScoredRow[],
  winRates: ReadonlyMap<string, readonly number[]>,
  sources: AucSources,
): AucLine[] {
  const { lower, higher } = sources;
  const lengths = rows.map(({ characters }) => characters);
  return [[LENGTH, lengths] as const, ...winRates].map(([router, rates]) => {
    const of = (source: string): number[] =>
      rates.filter((_, index) => rows[index]?.source === source);
    return { router, ...sources, auc: measureAuc(of(lower), of(higher)) };
  });
}

/**
 * Returns the probability that a win rate of `higher` is above one of `lower`, with equal ones
 * counted half: the area under the ROC curve (Mann and Whitney's U, by ranks).
 */
export function measureAuc(lower: readonly number[], higher: readonly number[]): number {
  const values = [
    ...lower.map((value) => ({ value, isHigher: false })),
    ...higher.map((value) => ({ value, isHigher: true })),
  ].sort((a, b) => a.value - b.value);
  let rankSum = 0;
  let begin = 0;
  for (const [index, { value }] of values.entries()) {
    if (values[index + 1]?.value === value) continue;
    const meanRank = (begin + index) / 2 + 1;
    for (; begin <= index; begin += 1) if (values[begin]?.isHigher) rankSum += meanRank;
  }
  const least = (higher.length * (higher.length + 1)) / 2;
  return (rankSum - least) / (lower.length * higher.length);
}
