import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { ConfigError } from '../errors.ts';
import type { ScorerEntry } from './registry.ts';
import type { ModelPair } from './scorer-choice.ts';

/** Predicts win rates from embeddings. */
export type Scorer = {
  /** `id@version`, as answers and decisions name it. */
  readonly name: string;
  readonly dimensions: number;
  /**
   * The win rate in [0, 1] of `pair.strong` over `pair.weak` for one prompt: sigmoid of the
   * difference of the two models' logits (RouteLLM, arXiv 2406.18665, section 4.2).
   * `embedding` has `dimensions` numbers.
   */
  predictWinRate(embedding: Float32Array, pair: ModelPair): Promise<number>;
};

/** Loads a registered scorer, checks it against its entry and runs it once, so that it is warm. */
export async function load(entry: ScorerEntry, modelsFolder: string): Promise<Scorer> {
  const session = await openSession(entry, join(modelsFolder, entry.file));
  const { dimensions } = entry;
  const indexOf = new Map(entry.models.map((model, index) => [model, index]));
  const shape = [1, dimensions];

  async function predictWinRate(embedding: Float32Array, pair: ModelPair): Promise<number> {
    const { scores } = await session.run({ embedding: new Tensor('float32', embedding, shape) });
    return sigmoid(scoreOf(scores, pair.strong) - scoreOf(scores, pair.weak));
  }

  function scoreOf(scores: Tensor | undefined, model: string): number {
    const score = scores?.data[indexOf.get(model) ?? -1];
    if (typeof score !== 'number' || !Number.isFinite(score)) {
      throw new Error(`The scorer ${entry.id} gave no score for ${model}.`);
    }
    return score;
  }

  await predictWinRate(new Float32Array(dimensions), entry.defaultPair);
  return { name: `${entry.id}@${entry.version}`, dimensions, predictWinRate };
}

async function openSession(entry: ScorerEntry, path: string): Promise<InferenceSession> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new ConfigError([`The scorer ${entry.id} cannot be read: ${String(error)}`]);
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== entry.sha256) {
    throw new ConfigError([
      `${path} is not the file that the registry names: its SHA-256 is ${sha256}, the entry of ${entry.id} says ${entry.sha256}. Import or train it again.`,
    ]);
  }
  // One thread: the graph takes microseconds, and an instance may have a quarter of a core.
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  }).catch((error: unknown) => {
    throw new ConfigError([`${path} is not an ONNX model that can be run: ${String(error)}`]);
  });
  const problems = [
    ...checkWidth('input', 'embedding', entry.dimensions, session.inputMetadata),
    ...checkWidth('output', 'scores', entry.models.length, session.outputMetadata),
  ];
  if (problems.length > 0) {
    throw new ConfigError(problems.map((problem) => `${path}: ${problem} (scorer ${entry.id})`));
  }
  return session;
}

/** The contract: float32 [batch, width]. */
function checkWidth(
  kind: 'input' | 'output',
  name: string,
  width: number,
  metadata: readonly InferenceSession.ValueMetadata[],
): string[] {
  const value = metadata.find((one) => one.name === name);
  if (value === undefined || !value.isTensor) return [`there is no ${kind} tensor "${name}"`];
  const found = value.shape[1];
  if (value.type !== 'float32' || value.shape.length !== 2 || found !== width) {
    return [
      `${kind} "${name}" must be float32 [batch, ${width}], and is ${value.type} [${value.shape.join(', ')}]`,
    ];
  }
  return [];
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
