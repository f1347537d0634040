import { writeFile } from 'node:fs/promises';

export type RouteLlmWeights = {
  /** [models, rank], row by row. */
  readonly models: Float32Array;
  /** [rank, dimensions], row by row. */
  readonly projection: Float32Array;
  /** One number for each of the [rank] factors. */
  readonly classifier: Float32Array;
  readonly rank: number;
  readonly dimensions: number;
};

type WeightsOptions = {
  readonly seed: number;
  readonly dimensions?: number;
  readonly modelCount?: number;
  /** Multiplies the classifier: 1 gives logits that differ by about 1. */
  readonly scale?: number;
};

const RANK = 128;

/** Returns a source of random numbers in [0, 1) that a seed repeats (a 32-bit mixing generator). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Creates random weights in the layout that RouteLLM publishes: 64 models, 1,536 dimensions. */
export function createRouteLlmWeights(options: WeightsOptions): RouteLlmWeights {
  const { seed, dimensions = 1536, modelCount = 64, scale = 1 } = options;
  const random = createRandom(seed);
  const uniform = (length: number, width: number): Float32Array =>
    Float32Array.from({ length }, () => (2 * random() - 1) * width);
  return {
    models: uniform(modelCount * RANK, 1.7),
    // With a unit embedding this gives prompt factors of about 1.
    projection: uniform(RANK * dimensions, 1.7),
    classifier: uniform(RANK, 1.7 * scale),
    rank: RANK,
    dimensions,
  };
}

/** Returns the bytes of a safetensors file with the given weights. */
export function toSafetensors(weights: RouteLlmWeights): Buffer {
  const { models, projection, classifier, rank, dimensions } = weights;
  const parts: readonly [string, readonly number[], Float32Array][] = [
    ['P.weight', [models.length / rank, rank], models],
    ['classifier.0.weight', [1, rank], classifier],
    ['text_proj.0.weight', [rank, dimensions], projection],
  ];
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const [name, shape, values] of parts) {
    const end = offset + values.byteLength;
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  return assembleSafetensors(
    JSON.stringify(header),
    Buffer.concat(parts.map(([, , values]) => Buffer.from(values.buffer))),
  );
}

export function assembleSafetensors(header: string, data: Uint8Array): Buffer {
  const headerBytes = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(headerBytes.length));
  return Buffer.concat([length, headerBytes, data]);
}

/** Writes a synthetic `model.safetensors` and returns its weights, to compute expectations from. */
export async function writeRouteLlmWeights(
  path: string,
  options: WeightsOptions,
): Promise<RouteLlmWeights> {
  const weights = createRouteLlmWeights(options);
  await writeFile(path, toSafetensors(weights));
  return weights;
}
