import { type Correction, type Corrector, FREEDOMS, type Freedom } from './correction.ts';
import type { TrainingSet } from './training-set.ts';

export type ChosenFreedom = {
  readonly freedom: Freedom;
  /** Corrections of this freedom, each fitted without the rows of its fold. */
  readonly byFold: readonly Correction[];
};

/**
 * How many standard errors a correction must be better than a smaller one: several are tried, so
 * that one of them is sometimes better by chance.
 */
const CERTAINTY = 2.5;
/** With fewer graded rows, the standard error is itself a guess. */
const MIN_ROWS = 30;

/**
 * Chooses how far a correction may go by cross-validation. Of the corrections, the one with the
 * least error is taken only where its rows prove it better than the smaller ones before it.
 */
export function chooseFreedom(
  corrector: Corrector,
  set: TrainingSet,
  foldOf: (row: number) => number,
  folds: number,
): ChosenFreedom {
  const rows = Int32Array.from([...set.trainRows, ...set.heldOutRows]).sort();
  const graded = rows.filter(
    (row) => set.rows[row]?.assumed === false && (set.targets[row]?.length ?? 0) > 1,
  );
  const fitWithoutFolds = (freedom: Freedom): Correction[] =>
    Array.from({ length: folds }, (_, fold) =>
      corrector.fit(
        rows.filter((row) => foldOf(row) !== fold),
        freedom,
      ),
    );
  const lossesOf = (byFold: readonly Correction[]): Float64Array =>
    Float64Array.from(graded, (row) => {
      const correction = byFold[foldOf(row)];
      return correction === undefined ? 0 : corrector.loss(correction, row);
    });
  const tried = (graded.length < MIN_ROWS ? FREEDOMS.slice(0, 1) : FREEDOMS).map((freedom) => {
    const byFold = fitWithoutFolds(freedom);
    return { freedom, byFold, losses: lossesOf(byFold) };
  });
  const [none, ...others] = tried;
  if (none === undefined) throw new RangeError('No freedom was tried.');
  const heads = others.filter(({ freedom }) => freedom !== 'levels');
  const levels = others.filter(({ freedom }) => freedom === 'levels');
  let chosen = none;
  for (const candidates of [levels, heads]) {
    const [best] = candidates.sort((a, b) => sumOf(a.losses) - sumOf(b.losses));
    if (best !== undefined && isBetter(best.losses, chosen.losses)) chosen = best;
  }
  return chosen;
}

function isBetter(losses: Float64Array, than: Float64Array): boolean {
  const gains = losses.map((loss, index) => (than[index] ?? 0) - loss);
  const mean = sumOf(gains) / gains.length;
  const variance = sumOf(gains.map((gain) => (gain - mean) ** 2)) / (gains.length - 1);
  return mean > CERTAINTY * Math.sqrt(variance / gains.length);
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
