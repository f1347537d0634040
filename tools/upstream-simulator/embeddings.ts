import { createRequire } from 'node:module';
import * as z from 'zod';
import { contextLengthExceeded, invalidRequest } from './azure-error.ts';
import { embeddingVector, shortenedUnitVector } from './embedding-vector.ts';
import { parseFields } from './parse-fields.ts';
import { type SimulatedDeployment, servedModel } from './simulated-deployment.ts';
import { estimateTokens } from './token-estimate.ts';

const DEFAULT_DIMENSIONS = 1536;
// The input limit of OpenAI's embedding models.
const MAX_INPUT_TOKENS = 8191;

const tokens = z.array(z.int().min(0)).min(1);

const embeddingRequestSchema = z.looseObject({
  input: z.union([
    z.string().min(1),
    tokens,
    z
      .array(z.union([z.string().min(1), tokens]))
      .min(1)
      .max(2048),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
});

export type EmbeddingRequest = z.infer<typeof embeddingRequestSchema>;

/** Parses an embeddings request. Throws the 400 that the service returns for an invalid request. */
export function parseEmbeddingRequest(body: unknown): EmbeddingRequest {
  return parseFields(embeddingRequestSchema, body);
}

/** Returns the input's texts, without its token arrays. */
export function inputText({ input }: EmbeddingRequest): string {
  return [input]
    .flat()
    .filter((item) => typeof item === 'string')
    .join('\n');
}

/** Returns the response body. Throws a 400 for an input that is too long, or for too many dimensions. */
export function embeddingsBody(request: EmbeddingRequest, deployment: SimulatedDeployment): object {
  const fullLength = deployment.dimensions ?? DEFAULT_DIMENSIONS;
  const dimensions = request.dimensions ?? fullLength;
  if (dimensions > fullLength) {
    throw invalidRequest(`Invalid 'dimensions': ${dimensions} is more than ${fullLength}.`, {
      param: 'dimensions',
      code: 'integer_above_max_value',
    });
  }
  const inputs = listInputs(request);
  const promptTokens = inputs.map(countTokens).reduce((sum, count) => sum + count, 0);
  const data = inputs.map((input, index) => {
    const vector = shortenedUnitVector(embeddingVector(wordsOf(input), fullLength), dimensions);
    return { object: 'embedding', index, embedding: encode(vector, request.encoding_format) };
  });
  return {
    object: 'list',
    data,
    model: servedModel(deployment),
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}

type Input = string | readonly number[];

function listInputs({ input }: EmbeddingRequest): readonly Input[] {
  if (typeof input === 'string') return [input];
  // The schema admits an array of numbers, or one without any numbers.
  return typeof input[0] === 'number' ? [input as number[]] : (input as Input[]);
}

function countTokens(input: Input): number {
  const count = typeof input === 'string' ? countTextTokens(input) : input.length;
  if (count <= MAX_INPUT_TOKENS) return count;
  throw contextLengthExceeded({
    contextTokens: MAX_INPUT_TOKENS,
    requestedTokens: count,
    param: 'input',
  });
}

/**
 * Estimates the tokens. Only near the limit it counts them with the models' own tokenizer, which is
 * large to load.
 */
function countTextTokens(text: string): number {
  const estimate = estimateTokens(text);
  if (estimate <= MAX_INPUT_TOKENS / 2) return estimate;
  const tokenizer = createRequire(import.meta.url)(
    'gpt-tokenizer/encoding/cl100k_base',
  ) as typeof import('gpt-tokenizer/encoding/cl100k_base');
  return tokenizer.countTokens(text, { allowedSpecial: new Set(), disallowedSpecial: new Set() });
}

/** Joins the input to a text in which each token number counts as a word. */
function wordsOf(input: Input): string {
  return typeof input === 'string' ? input : input.join(' ');
}

function encode(vector: Float32Array, format: EmbeddingRequest['encoding_format']) {
  if (format !== 'base64') return Array.from(vector);
  const bytes = Buffer.alloc(vector.length * Float32Array.BYTES_PER_ELEMENT);
  for (const [index, element] of vector.entries()) bytes.writeFloatLE(element, index * 4);
  return bytes.toString('base64');
}
