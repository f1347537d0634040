import { FEATURE_COUNT } from '../../shared/prompt-embedding/prompt-features.ts';
import {
  addProjected,
  type Factorization,
  rowLoss,
  scoreModel,
  trainFactorization,
} from './factorization.ts';
import type { ScorerGraph } from './onnx-writer.ts';
import type { TrainingSet } from './training-set.ts';

/** Chosen by cross-validation on training rows, whole sources left out included. */
const RANK = 4;
const EPOCHS = 15;
const LEARNING_RATE = 0.001;
const BATCH_ROWS = 64;
const FACTOR_DECAY = 0.02;
/** The few dense features are in every row and need less holding back than a rare n-gram. */
const FEATURE_DECAY = 1e-3;
const NGRAM_DECAY = 2e-3;

type TrainingRun = {
  readonly set: TrainingSet;
  readonly seed: number;
  readonly report: (line: string) => void;
};

/** Keeps the epoch with the least loss on the held-out rows. */
export function trainScorer({ set, seed, report }: TrainingRun): Factorization {
  const decay = Float32Array.from({ length: set.dimensions }, (_, index) =>
    index < FEATURE_COUNT ? FEATURE_DECAY : NGRAM_DECAY,
  );
  let best: { model: Factorization; loss: number; epoch: number } | undefined;
  trainFactorization(
    set,
    {
      seed,
      rank: RANK,
      epochs: EPOCHS,
      learningRate: LEARNING_RATE,
      decay,
      factorDecay: FACTOR_DECAY,
      batchRows: BATCH_ROWS,
    },
    (model, epoch) => {
      const loss = meanLoss(set, model);
      report(`Epoch ${epoch} of ${EPOCHS}: loss on held-out rows ${loss.toFixed(5)}`);
      if (best === undefined || loss < best.loss) best = { model: copy(model), loss, epoch };
    },
  );
  if (best === undefined) throw new Error('The training loss is not a number.');
  report(`Kept epoch ${best.epoch}.`);
  return best.model;
}

function meanLoss(set: TrainingSet, model: Factorization): number {
  const losses = set.validationRows.map((row) => rowLoss(set, row, model));
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

function copy({ rank, projection, factors, biases }: Factorization): Factorization {
  return {
    rank,
    projection: projection.slice(),
    factors: factors.slice(),
    biases: biases.slice(),
  };
}

/** The factorization in the layout of a scorer file. */
export function toGraphFactors(
  { rank, projection, factors, biases }: Factorization,
  dimensions: number,
): Pick<ScorerGraph, 'projection' | 'modelFactors' | 'biases'> {
  const rows = Float32Array.from({ length: projection.length }, (_, index) => {
    const factor = Math.floor(index / dimensions);
    return projection[(index % dimensions) * rank + factor] ?? 0;
  });
  return {
    projection: rows,
    modelFactors: Float64Array.from(factors),
    biases: Float64Array.from(biases),
  };
}

/** The win rate of `strong` over `weak` (positions among the models) for one embedding. */
export function winRateOf(
  model: Factorization,
  embedding: Float32Array,
  { strong, weak }: { readonly strong: number; readonly weak: number },
): number {
  const hidden = new Float64Array(model.rank);
  for (const [index, value] of embedding.entries()) {
    if (value !== 0) addProjected(model, index, value, hidden);
  }
  const difference = scoreModel(model, strong, hidden) - scoreModel(model, weak, hidden);
  return 1 / (1 + Math.exp(-difference));
}
