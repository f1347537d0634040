import type { Target } from './training-set.ts';

const ROUNDS = 20;

/**
 * How good each model is, scaled to mean 0 and variance 1. Fits score = row + model in turns: a
 * model is not weak for having seen the hard rows only.
 */
export function estimateStrengths(
  targets: readonly (readonly Target[])[],
  modelCount: number,
): Float64Array {
  let strengths = new Float64Array(modelCount);
  for (let round = 0; round < ROUNDS; round += 1) strengths = refine(targets, strengths);
  const mean = strengths.reduce((sum, value) => sum + value, 0) / modelCount;
  const variance = strengths.reduce((sum, value) => sum + (value - mean) ** 2, 0) / modelCount;
  return strengths.map((value) => (value - mean) / Math.sqrt(variance || 1));
}

function refine(
  targets: readonly (readonly Target[])[],
  strengths: Float64Array<ArrayBuffer>,
): Float64Array<ArrayBuffer> {
  const sums = new Float64Array(strengths.length);
  const counts = new Float64Array(strengths.length);
  for (const row of targets) {
    const surplus = row.reduce((sum, { model, score }) => sum + score - (strengths[model] ?? 0), 0);
    for (const { model, score } of row) {
      sums[model] = (sums[model] ?? 0) + score - surplus / row.length;
      counts[model] = (counts[model] ?? 0) + 1;
    }
  }
  return sums.map((sum, model) => sum / (counts[model] || 1));
}
