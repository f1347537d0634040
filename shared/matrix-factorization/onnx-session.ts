import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { ConfigError } from '../base/errors.ts';
import type { Graph, Row } from './graph.ts';
import type { ScorerEntry } from './registry.ts';

/** Has onnxruntime run a graph. Throws a ConfigError that names what does not fit. */
export async function openOnnxGraph(
  bytes: Uint8Array,
  entry: ScorerEntry,
  path: string,
): Promise<Graph> {
  // Who has no use for it does not load its library.
  const runtime = await import('onnxruntime-node');
  const session = await openSession(runtime.InferenceSession, bytes, entry, path);
  const { dimensions, models } = entry;
  return async (embeddings) => {
    const embedding = new runtime.Tensor('float32', stack(embeddings, dimensions), [
      embeddings.length,
      dimensions,
    ]);
    const { scores, distance } = await session.run({ embedding });
    return embeddings.map((_, row): Row => {
      const first = row * models.length;
      return {
        logit: (model) => numberAt(scores, first + model),
        ...(distance && { distance: numberAt(distance, row) }),
      };
    });
  };
}

/** [embeddings, dimensions], row by row. */
function stack(embeddings: readonly Float32Array[], dimensions: number): Float32Array {
  const [only] = embeddings;
  // The runtime reads it where it is.
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
  entry: ScorerEntry,
  path: string,
): Promise<InferenceSession> {
  // One thread: the graph takes microseconds, and an instance may have a quarter of a core.
  const session = await sessions
    .create(bytes, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
    })
    .catch((error: unknown) => {
      throw new ConfigError([`${path} is not an ONNX model that can be run: ${String(error)}`]);
    });
  const { inputMetadata, outputMetadata } = session;
  const problems = [
    ...checkWidth('input', 'embedding', entry.dimensions, inputMetadata),
    ...checkWidth('output', 'scores', entry.models.length, outputMetadata),
  ];
  if (outputMetadata.some(({ name }) => name === 'distance')) {
    problems.push(...checkWidth('output', 'distance', 1, outputMetadata));
  } else if (entry.outOfDistribution !== undefined) {
    problems.push('outOfDistribution.limit is of an output "distance", which the graph has not');
  }
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
