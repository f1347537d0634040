import { join } from 'node:path';
import { ConfigError } from '../base/errors.ts';
import { readModelFile } from '../base/read-model-file.ts';
import { openFactorGraph } from './factor-graph.ts';
import type { Graph, Row } from './graph.ts';
import { readOnnxParts } from './onnx-nodes.ts';
import { openOnnxGraph } from './onnx-runtime.ts';
import { openProductGraph } from './product-graph.ts';
import type { ModelPair } from './scorer-choice.ts';
import type { ScorerEntry } from './scorer-registry.ts';

/** The scorer's prediction for one prompt and one pair of models. */
export type Prediction = {
  /**
   * The win rate in [0, 1] of the pair's strong model over its weak one: the sigmoid of the
   * difference of their logits (RouteLLM, arXiv 2406.18665, section 4.2).
   */
  readonly winRate: number;
};

/** The scorer's prediction for one prompt and all of its models. */
export type Scores = {
  /**
   * Returns the win rate of one of the scorer's models over another, as in Prediction; NaN when the
   * graph gave no number for one of them. Throws for a model that the scorer does not know.
   */
  winRate(strong: string, weak: string): number;
};

/** Predicts win rates from embeddings of `dimensions` numbers. */
export type Scorer = {
  /** The name `id@version` of answers and decisions. */
  readonly name: string;
  readonly dimensions: number;
  /**
   * Predicts the win rate of one prompt, as in Prediction. Throws when the graph gives no number.
   */
  predictWinRate(embedding: Float32Array, pair: ModelPair): Promise<number>;
  /**
   * Scores embeddings, in order. All of them are one run of the graph, which costs little more than a run
   * for a single one and needs memory for all: pass some dozens per call.
   */
  score(embeddings: readonly Float32Array[]): Promise<(Scores | undefined)[]>;
  /**
   * Predicts one pair, in order; undefined also if the graph gave no number for one of the two
   * models.
   */
  predict(
    embeddings: readonly Float32Array[],
    pair: ModelPair,
  ): Promise<(Prediction | undefined)[]>;
};

/**
 * Loads a registered scorer and checks it against its entry. The contract of its graph: input
 * `embedding` float32 [batch, dimensions]; output `scores` float32 [batch, models], one logit per
 * model. Other outputs are not computed. The graph is run once, so
 * that it is warm. Throws a ConfigError that names each mismatch.
 */
export async function load(entry: ScorerEntry, modelsFolder: string): Promise<Scorer> {
  const path = join(modelsFolder, entry.file);
  const graph = await openGraph(entry, path);
  const { dimensions } = entry;

  async function score(embeddings: readonly Float32Array[]): Promise<(Scores | undefined)[]> {
    for (const { length } of embeddings) {
      if (length !== dimensions) {
        throw new RangeError(`The scorer takes ${dimensions} dimensions, got ${length}.`);
      }
    }
    return (await graph(embeddings)).map((row) => toScores(entry, row));
  }

  async function predict(
    embeddings: readonly Float32Array[],
    { strong, weak }: ModelPair,
  ): Promise<(Prediction | undefined)[]> {
    return (await score(embeddings)).map((scores) => {
      if (scores === undefined) return undefined;
      const winRate = scores.winRate(strong, weak);
      if (Number.isNaN(winRate)) return undefined;
      return { winRate };
    });
  }

  async function predictWinRate(embedding: Float32Array, pair: ModelPair): Promise<number> {
    const [prediction] = await predict([embedding], pair);
    if (prediction !== undefined) return prediction.winRate;
    throw new Error(`The scorer ${entry.id} gave no score for ${pair.strong} over ${pair.weak}.`);
  }

  await tryOut(predict, entry, path);
  return {
    name: `${entry.id}@${entry.version}`,
    dimensions,
    predictWinRate,
    score,
    predict,
  };
}

/** Runs two meaningless embeddings, because a graph may have been made for a batch of one. */
async function tryOut(predict: Scorer['predict'], entry: ScorerEntry, path: string): Promise<void> {
  const unit = new Float32Array(entry.dimensions).fill(1 / Math.sqrt(entry.dimensions));
  const predictions = await predict([unit, unit], entry.defaultPair).catch((error: unknown) => {
    throw new ConfigError([`${path} cannot be run (scorer ${entry.id}): ${String(error)}`]);
  });
  if (!predictions.includes(undefined)) return;
  throw new ConfigError([`${path} gives a score that is not a number (scorer ${entry.id})`]);
}

function indexOf(entry: ScorerEntry, model: string): number {
  const index = entry.models.indexOf(model);
  if (index === -1) throw new Error(`The scorer ${entry.id} does not know ${model}.`);
  return index;
}

function toScores(entry: ScorerEntry, { logit }: Row): Scores {
  return {
    winRate: (strong, weak) => {
      const difference = logit(indexOf(entry, strong)) - logit(indexOf(entry, weak));
      return Number.isFinite(difference) ? 1 / (1 + Math.exp(-difference)) : Number.NaN;
    },
  };
}

async function openGraph(entry: ScorerEntry, path: string): Promise<Graph> {
  const bytes = await readModelFile({
    path,
    what: `The scorer ${entry.id}`,
    sha256: entry.sha256,
    remedy:
      'Restore the file that its entry in registry.json names, or import or train the scorer again.',
  });
  const parts = readOnnxParts(bytes);
  // The runtime runs, or refuses, every graph that is of no known form or does not fit its entry.
  return (
    openProductGraph(parts, entry) ??
    openFactorGraph(parts, entry) ??
    openOnnxGraph(bytes, entry, path)
  );
}
