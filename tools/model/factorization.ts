import { Adam } from './adam.ts';
import { createRandom, shuffle } from './random.ts';
import type { TrainingSet } from './training-set.ts';

/** score_m(e) = bias_m + factors_m . (projection e), of which only differences have a meaning. */
export type Factorization = {
  readonly rank: number;
  /** [dimensions, rank]: the weights of one dimension lie together, most of which are skipped. */
  readonly projection: Float32Array;
  /** [models, rank] */
  readonly factors: Float32Array;
  readonly biases: Float32Array;
};

export type TrainingOptions = {
  readonly seed: number;
  readonly rank: number;
  readonly epochs: number;
  readonly learningRate: number;
  /** L2 on the weights of the embedding, one a dimension. */
  readonly decay: Float32Array;
  /** L2 on how far a model's factors move from their start. */
  readonly factorDecay: number;
  readonly batchRows: number;
};

/**
 * A score difference of d is trained to be a logit difference of 2 d: sigmoid(2 d) is close to
 * (1 + d) / 2, the win rate when equal answers count half.
 */
const LOGITS_PER_SCORE = 2;

/**
 * Learns from the differences of the models' scores within each row, since only they matter to a
 * win rate and since hard rows would otherwise teach how hard they are. The loss of a row is the
 * mean squared error over all its pairs of models. `onEpoch` sees the model while it is trained.
 */
export function trainFactorization(
  set: TrainingSet,
  options: TrainingOptions,
  onEpoch: (model: Factorization, epoch: number) => void,
): void {
  const random = createRandom(options.seed);
  const model = start(set, options.rank, random);
  const startFactors = model.factors.slice();
  const steps = {
    projection: new Adam(model.projection.length, options.learningRate),
    factors: new Adam(model.factors.length, options.learningRate),
    biases: new Adam(model.biases.length, options.learningRate),
  };
  const gradient = emptyLike(model);
  const order = Int32Array.from(set.trainRows);
  for (let epoch = 1; epoch <= options.epochs; epoch += 1) {
    shuffle(order, random);
    const rate = 0.5 * (1 + Math.cos((Math.PI * (epoch - 1)) / options.epochs));
    for (let begin = 0; begin < order.length; begin += options.batchRows) {
      const batch = order.subarray(begin, begin + options.batchRows);
      for (const part of [gradient.projection, gradient.factors, gradient.biases]) part.fill(0);
      for (const row of batch) addGradient(set, row, model, gradient, 1 / batch.length);
      addDecay(model, gradient, startFactors, options);
      steps.projection.step(model.projection, gradient.projection, rate);
      steps.factors.step(model.factors, gradient.factors, rate);
      steps.biases.step(model.biases, gradient.biases, rate);
    }
    onEpoch(model, epoch);
  }
}

/**
 * A model's first factor starts at its strength, so that the first row of the projection is what
 * strong models have over weak ones, whichever models a row knows. The others start at random.
 */
function start(set: TrainingSet, rank: number, random: () => number): Factorization {
  const factors = Float32Array.from({ length: set.models.length * rank }, (_, index) =>
    index % rank === 0 ? (set.strengths[index / rank] ?? 0) : 0.2 * (random() - 0.5),
  );
  return {
    rank,
    projection: new Float32Array(set.dimensions * rank),
    factors,
    biases: new Float32Array(set.models.length),
  };
}

function emptyLike(model: Factorization): Factorization {
  return {
    rank: model.rank,
    projection: new Float32Array(model.projection.length),
    factors: new Float32Array(model.factors.length),
    biases: new Float32Array(model.biases.length),
  };
}

/** Adds what one dimension of an embedding gives to the prompt's factors. */
export function addProjected(
  { rank, projection }: Factorization,
  dimension: number,
  value: number,
  hidden: Float64Array,
): void {
  const base = dimension * rank;
  for (let factor = 0; factor < rank; factor += 1) {
    hidden[factor] = (hidden[factor] ?? 0) + value * (projection[base + factor] ?? 0);
  }
}

/** The prompt's factors: projection e. */
export function projectRow(set: TrainingSet, row: number, model: Factorization): Float64Array {
  const hidden = new Float64Array(model.rank);
  const end = set.offsets[row + 1] ?? 0;
  for (let entry = set.offsets[row] ?? 0; entry < end; entry += 1) {
    addProjected(model, set.indices[entry] ?? 0, set.values[entry] ?? 0, hidden);
  }
  return hidden;
}

export function scoreModel(model: Factorization, index: number, hidden: Float64Array): number {
  let score = model.biases[index] ?? 0;
  for (let factor = 0; factor < model.rank; factor += 1) {
    score += (model.factors[index * model.rank + factor] ?? 0) * (hidden[factor] ?? 0);
  }
  return score;
}

/** Half the derivative of the row's loss by each of its models' scores. */
function rowSlopes(set: TrainingSet, row: number, model: Factorization, hidden: Float64Array) {
  const targets = set.targets[row] ?? [];
  const errors = targets.map(
    (target) => scoreModel(model, target.model, hidden) - LOGITS_PER_SCORE * target.score,
  );
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const scale = (set.weights[row] ?? 1) / Math.max(1, errors.length - 1);
  return targets.map((target, position) => ({
    index: target.model,
    error: (errors[position] ?? 0) - mean,
    scale,
  }));
}

/** The weighted loss of a row: half the mean squared error over all pairs of its models. */
export function rowLoss(set: TrainingSet, row: number, model: Factorization): number {
  const slopes = rowSlopes(set, row, model, projectRow(set, row, model));
  return slopes.reduce((sum, { error, scale }) => sum + scale * error * error, 0);
}

function addGradient(
  set: TrainingSet,
  row: number,
  model: Factorization,
  gradient: Factorization,
  share: number,
): void {
  const { rank } = model;
  const hidden = projectRow(set, row, model);
  const hiddenGradient = new Float64Array(rank);
  for (const { index, error, scale } of rowSlopes(set, row, model, hidden)) {
    const slope = share * scale * error;
    gradient.biases[index] = (gradient.biases[index] ?? 0) + slope;
    for (let factor = 0; factor < rank; factor += 1) {
      const place = index * rank + factor;
      gradient.factors[place] = (gradient.factors[place] ?? 0) + slope * (hidden[factor] ?? 0);
      hiddenGradient[factor] = (hiddenGradient[factor] ?? 0) + slope * (model.factors[place] ?? 0);
    }
  }
  addProjectionGradient(set, row, gradient, hiddenGradient);
}

function addProjectionGradient(
  set: TrainingSet,
  row: number,
  { projection, rank }: Factorization,
  hiddenGradient: Float64Array,
): void {
  const end = set.offsets[row + 1] ?? 0;
  for (let entry = set.offsets[row] ?? 0; entry < end; entry += 1) {
    const value = set.values[entry] ?? 0;
    const base = (set.indices[entry] ?? 0) * rank;
    for (let factor = 0; factor < rank; factor += 1) {
      projection[base + factor] =
        (projection[base + factor] ?? 0) + value * (hiddenGradient[factor] ?? 0);
    }
  }
}

function addDecay(
  model: Factorization,
  gradient: Factorization,
  startFactors: Float32Array,
  { decay, factorDecay }: TrainingOptions,
): void {
  const { projection, factors, rank } = model;
  for (let index = 0; index < projection.length; index += 1) {
    const strength = decay[Math.floor(index / rank)] ?? 0;
    gradient.projection[index] =
      (gradient.projection[index] ?? 0) + strength * (projection[index] ?? 0);
  }
  for (let index = 0; index < factors.length; index += 1) {
    const moved = (factors[index] ?? 0) - (startFactors[index] ?? 0);
    gradient.factors[index] = (gradient.factors[index] ?? 0) + factorDecay * moved;
  }
}
