import { applyHead, type HeadProblem, type LinearHead, solveHead } from './linear-head.ts';
import { computeMoments, headTarget, type Target } from './row-moments.ts';
import { strengthFactors } from './strength-basis.ts';

const ADDITIVE_ROUNDS = 20;

/** How far one round may move a strength, and in which steps. */
const REACH = 1;
const STEP = 0.05;
/** Cost of moving a strength by one, as a number of rows that are wrong by one. */
const INERTIA = 5;
const REFINING_ROUNDS = 2;
/** A smaller variance is a rounding error. */
const SMALLEST_VARIANCE = 1e-12;

/**
 * Estimates how good each model is, scaled to mean 0 and variance 1, from all rows together. The
 * first estimate is score = row + model, so that a model is not weak just because it has seen only
 * hard rows. It is then refined by the texts of the rows' prompts, which connects models that share
 * no row.
 */
export function estimateStrengths(
  targets: readonly (readonly Target[])[],
  modelCount: number,
  problem: Omit<HeadProblem, 'target'>,
): Float64Array {
  const rows = [...problem.rows].map((row) => targets[row] ?? []);
  let strengths = additiveStrengths(rows, modelCount);
  const anchor = strengths;
  for (let round = 0; round < REFINING_ROUNDS; round += 1) {
    const head = solveHead({ ...problem, target: headTarget(computeMoments(targets, strengths)) });
    strengths = refine(strengths, anchor, { targets, problem, head });
  }
  return strengths;
}

function additiveStrengths(rows: readonly (readonly Target[])[], modelCount: number): Float64Array {
  let strengths = new Float64Array(modelCount);
  for (let round = 0; round < ADDITIVE_ROUNDS; round += 1) {
    const sums = new Float64Array(modelCount);
    const counts = new Float64Array(modelCount);
    for (const row of rows) {
      const surplus = row.reduce((sum, one) => sum + one.score - (strengths[one.model] ?? 0), 0);
      for (const { model, score } of row) {
        sums[model] = (sums[model] ?? 0) + score - surplus / row.length;
        counts[model] = (counts[model] ?? 0) + 1;
      }
    }
    strengths = sums.map((sum, model) => sum / (counts[model] || 1));
  }
  return standardise(strengths);
}

type Observation = {
  readonly factors: Float64Array;
  /** The model's score minus what its row adds to all its models' scores. */
  readonly score: number;
  readonly weight: number;
};

type Refinement = {
  readonly targets: readonly (readonly Target[])[];
  readonly problem: Omit<HeadProblem, 'target'>;
  readonly head: LinearHead;
};

/**
 * Moves each model's strength to the value that fits the rows' predicted factors best, near its old
 * one.
 */
function refine(
  strengths: Float64Array,
  anchor: Float64Array,
  { targets, problem, head }: Refinement,
): Float64Array {
  const observations = Array.from(strengths, (): Observation[] => []);
  for (const row of problem.rows) {
    const models = targets[row] ?? [];
    const factors = applyHead(head, problem.embedded, row);
    const surplus = models.reduce(
      (sum, one) => sum + one.score - predict(strengths[one.model] ?? 0, factors),
      0,
    );
    const weight = ((problem.weights[row] ?? 1) * models.length) / (models.length - 1);
    for (const { model, score } of models) {
      observations[model]?.push({ factors, score: score - surplus / models.length, weight });
    }
  }
  const refined = strengths.map((strength, model) =>
    bestStrength(observations[model] ?? [], strength, anchor[model] ?? 0),
  );
  return standardise(refined);
}

function predict(strength: number, factors: Float64Array): number {
  const [linear, square] = strengthFactors(strength);
  return linear * (factors[0] ?? 0) + square * (factors[1] ?? 0);
}

function bestStrength(seen: readonly Observation[], from: number, anchor: number): number {
  let best = { strength: from, loss: Number.POSITIVE_INFINITY };
  for (let step = -REACH / STEP; step <= REACH / STEP; step += 1) {
    const strength = from + step * STEP;
    let loss = INERTIA * (strength - anchor) ** 2;
    for (const { factors, score, weight } of seen) {
      loss += weight * (score - predict(strength, factors)) ** 2;
    }
    if (loss < best.loss) best = { strength, loss };
  }
  return best.strength;
}

function standardise(strengths: Float64Array): Float64Array {
  const mean = strengths.reduce((sum, value) => sum + value, 0) / strengths.length;
  const variance =
    strengths.reduce((sum, value) => sum + (value - mean) ** 2, 0) / strengths.length;
  // Equally good models may still be good at different prompts; any order of them is enough to learn that.
  if (variance < SMALLEST_VARIANCE) return standardise(strengths.map((_, index) => index));
  return strengths.map((value) => (value - mean) / Math.sqrt(variance));
}
