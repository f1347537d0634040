import { findCentroids } from './centroids.ts';
import { type ClusterFactors, trainClusterFactors } from './cluster-factors.ts';
import { LOGITS_PER_SCORE, writeClusterGraph, writeFactorGraph } from './factor-graphs.ts';
import { measureScaling } from './linear-head.ts';
import { deviationOf, fitDeviations } from './model-deviations.ts';
import { estimateStrengths } from './model-strengths.ts';
import type { ScorerHeader } from './onnx-graph.ts';
import { type PromptFactors, trainPromptFactors } from './prompt-factors.ts';
import { computeMoments, smoothByKind } from './row-moments.ts';
import { scoreByStrength } from './strength-basis.ts';
import type { TrainingSet } from './training-set.ts';

/** Ways to predict a prompt's factors. */
export const STRATEGIES = ['factorization', 'clusters'] as const;
export type Strategy = (typeof STRATEGIES)[number];

export type TrainedScorer = {
  /** Strengths of the set's models, with mean 0 and variance 1. */
  readonly strengths: Float64Array;
  /** A description for readers of the card, such as `400 trees`. */
  readonly description: string;
  readonly writeGraph: (header: ScorerHeader) => Uint8Array;
  /** Returns the win rate of one model over another (given by position) for a row of the training set. */
  readonly winRateOf: (row: number, strong: number, weak: number) => number;
  /** Scores of held-out rows by all models, with equally many rows of each file: float32 [rows, models]. */
  readonly heldOutScores: Float32Array;
};

type TrainingOptions = {
  readonly strategy: Strategy;
  readonly seed: number;
};

/** The last digits of a head hardly move a strength, so fewer steps and a firmer ridge are enough. */
const STRENGTH_HEAD = { ridge: 8, iterations: 15 };
/** Enough rows for quantiles; a file with fewer held-out rows contributes them several times. */
const SCORES_PER_FILE = 200;

export function trainScorer(set: TrainingSet, { strategy, seed }: TrainingOptions): TrainedScorer {
  const scaling = measureScaling(set.embedded, set.trainRows);
  console.error('Estimating how strong the models are ...');
  const strengths = estimateStrengths(set.targets, set.models.length, {
    embedded: set.embedded,
    scaling,
    weights: set.weights,
    // An assumption about two models says nothing about how they compare with the others.
    rows: set.trainRows.filter((row) => set.rows[row]?.assumed === false),
    ...STRENGTH_HEAD,
  });
  const moments = computeMoments(set.targets, strengths);
  const smoothed = smoothByKind(moments, set.kinds, set.trainRows);
  const centroids = findCentroids(set, seed);
  const { factors, numbers, description, writeGraph } =
    strategy === 'factorization'
      ? factorize(set, trainPromptFactors({ set, moments, smoothed, scaling, seed }))
      : cluster(trainClusterFactors({ set, moments, centroids }));
  const deviations = fitDeviations({ set, strengths, factors, numbers });
  const scoreOf = (row: number, model: number): number =>
    scoreByStrength(factors, row, strengths[model] ?? 0) +
    deviationOf(deviations, numbers, { model, row });
  return {
    strengths,
    description,
    writeGraph: (header) => writeGraph({ header, strengths, deviations, centroids }),
    winRateOf: (row, strong, weak) =>
      1 / (1 + Math.exp(-LOGITS_PER_SCORE * (scoreOf(row, strong) - scoreOf(row, weak)))),
    heldOutScores: scoreHeldOut(set, scoreOf),
  };
}

function factorize({ embedded }: TrainingSet, { heads, trees, factors, numbers }: PromptFactors) {
  return {
    factors,
    numbers,
    description: `${heads.length} linear heads and ${trees.length} trees`,
    writeGraph: (parts: Parameters<typeof writeFactorGraph>[0]) =>
      writeFactorGraph(parts, { heads, trees }, embedded.denseColumns),
  };
}

function cluster({ sharpness, clusters, factors, numbers }: ClusterFactors) {
  return {
    factors,
    numbers,
    description: `${numbers.width} clusters of prompts`,
    writeGraph: (parts: Parameters<typeof writeClusterGraph>[0]) =>
      writeClusterGraph(parts, { sharpness, clusters }),
  };
}

function scoreHeldOut(
  set: TrainingSet,
  scoreOf: (row: number, model: number) => number,
): Float32Array {
  const rows = [...new Set(set.files.subarray(0, set.rows.length - set.testRows.length))].flatMap(
    (file) => {
      const own = set.heldOutRows.filter((row) => set.files[row] === file);
      return own.length === 0
        ? []
        : Array.from({ length: SCORES_PER_FILE }, (_, index) => own[index % own.length] ?? 0);
    },
  );
  return Float32Array.from(
    rows.flatMap((row) => set.models.map((_, model) => LOGITS_PER_SCORE * scoreOf(row, model))),
  );
}

/** Returns weights with which each file counts alike, whatever the number of its rows. */
export function fileShares({ files }: TrainingSet, rows: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(files[row] ?? 0, (counts.get(files[row] ?? 0) ?? 0) + 1);
  return rows.map((row) => 1 / (counts.get(files[row] ?? 0) ?? 1));
}
