import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { ConfigError } from '../base/errors.ts';
import type { Graph, Row } from './graph.ts';
import type { ScorerEntry } from './scorer-registry.ts';

/**
 * Opens a graph that onnxruntime runs. Throws a ConfigError that names each mismatch with the
 * entry.
 */
export async function openOnnxGraph(
  bytes: Uint8Array,
  entry: ScorerEntry,
  path: string,
): Promise<Graph> {
  // Loaded on demand: product graphs do not need the library.
  const runtime = await import('onnxruntime-node');
  const session = await openSession(runtime.InferenceSession, bytes, path);
  checkSession(session, entry, path);
  const { dimensions, models } = entry;
  return async (embeddings) => {
    const embedding = new runtime.Tensor('float32', stack(embeddings, dimensions), [
      embeddings.length,
      dimensions,
    ]);
    // Graphs may have other outputs, which are not computed.
    const { scores } = await session.run({ embedding }, ['scores']);
    return embeddings.map((_, row): Row => {
      const first = row * models.length;
      return { logit: (model) => numberAt(scores, first + model) };
    });
  };
}

/** Copies embeddings into one array of shape [embeddings, dimensions]. */
function stack(embeddings: readonly Float32Array[], dimensions: number): Float32Array {
  const [only] = embeddings;
  // The runtime reads a single embedding in place.
  if (embeddings.length === 1 && only !== undefined) return only;
  const rows = new Float32Array(embeddings.length * dimensions);
  for (const [row, embedding] of embeddings.entries()) rows.set(embedding, row * dimensions);
  return rows;
}

function numberAt(tensor: Tensor | undefined, index: number): number {
  return Number(tensor?.data[index]);
}

async function openSession(
  sessions: typeof InferenceSession,
  bytes: Uint8Array,
  path: string,
): Promise<InferenceSession> {
  // One thread: the graph takes microseconds, and an instance may have a quarter of a core.
  return await sessions
    .create(bytes, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
    })
    .catch((error: unknown) => {
      throw new ConfigError([`${path} is not an ONNX model that can be run: ${String(error)}`]);
    });
}

function checkSession(session: InferenceSession, entry: ScorerEntry, path: string): void {
  const { inputMetadata: inputs, outputMetadata: outputs } = session;
  const problems = [
    ...checkWidth(inputs, { kind: 'input', name: 'embedding', width: entry.dimensions }),
    ...checkWidth(outputs, { kind: 'output', name: 'scores', width: entry.models.length }),
  ];
  if (problems.length > 0) {
    throw new ConfigError(problems.map((problem) => `${path}: ${problem} (scorer ${entry.id})`));
  }
}

type ExpectedTensor = {
  readonly kind: 'input' | 'output';
  readonly name: string;
  readonly width: number;
};

/** Returns the problems of a tensor that must be float32 [batch, width]. */
function checkWidth(
  metadata: readonly InferenceSession.ValueMetadata[],
  { kind, name, width }: ExpectedTensor,
): string[] {
  const value = metadata.find((one) => one.name === name);
  if (value === undefined || !value.isTensor) return [`there is no ${kind} tensor "${name}"`];
  const found = value.shape[1];
  if (value.type !== 'float32' || value.shape.length !== 2 || found !== width) {
    return [
      `${kind} "${name}" must be float32 [batch, ${width}], but is ${value.type} [${value.shape.join(', ')}]`,
    ];
  }
  return [];
}
