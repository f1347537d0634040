import { setImmediate } from 'node:timers/promises';
import type { OpenAI } from 'openai';
import { UpstreamError } from '../base/errors.ts';
import { errorKind } from '../base/log.ts';
import { createEmbeddingClient, MAX_TOKENS } from '../prompt-embedding/azure-embedding.ts';
import { LOCAL_EMBEDDER, loadLocalEmbedder } from '../prompt-embedding/local-embedding.ts';
import type { Config } from '../settings/config.ts';
import { shareUntilFailure } from '../storage/tables.ts';
import type { Deployment } from '../upstream/deployment.ts';
import type { GetToken } from '../upstream/entra-token.ts';
import { FOLDED_DIMENSIONS, foldEmbedding } from './fold-embedding.ts';

/** Turns texts into embeddings, for stores. */
export type TextEmbedder = {
  /** Names the model: a store takes the texts of its own embedder alone. */
  readonly id: string;
  /**
   * Those that it gives: as wished, if it can, else its own; undefined when it cannot give those that
   * are wished. Throws an UpstreamError where only an answer tells.
   */
  findDimensions(wish: number | undefined, signal: AbortSignal): Promise<number | undefined>;
  /** The tokens that a text may have. */
  readonly maxTokens: number;
  /** One embedding for each text, in their order. Throws an UpstreamError. */
  embed(texts: readonly string[], dimensions: number, signal: AbortSignal): Promise<Float32Array[]>;
};

export const LOCAL_TEXT_EMBEDDER = `${LOCAL_EMBEDDER.id}-folded`;

export function azureTextEmbedder(modelName: string): string {
  return `azure-openai/${modelName}`;
}

/** Of the models that give others when they are asked for them. */
const KNOWN_DIMENSIONS: Readonly<Record<string, number>> = {
  'text-embedding-3-small': 1_536,
  'text-embedding-3-large': 3_072,
  'text-embedding-ada-002': 1_536,
};

/** The service takes 2,048 texts and 300,000 tokens at once: of the longest ones 36. */
const TEXTS_AT_ONCE = 32;
const CALLS_AT_ONCE = 4;

/** The embedding deployment, if there is one, and the local embedder, which needs no call. */
export function createTextEmbedders(
  { embedding, limits }: Pick<Config, 'embedding' | 'limits'>,
  getToken: GetToken,
): readonly TextEmbedder[] {
  const local = createLocalTextEmbedder();
  return embedding === undefined
    ? [local]
    : [createAzureTextEmbedder(embedding, limits, getToken), local];
}

function createAzureTextEmbedder(
  embedding: Deployment,
  limits: Config['limits'],
  getToken: GetToken,
): TextEmbedder {
  const { name, modelName } = embedding;
  const loadClient = shareUntilFailure(() =>
    createEmbeddingClient({
      deployment: embedding,
      getToken,
      timeoutMs: limits.requestTimeoutMs,
      maxRetries: 2,
    }),
  );
  const known = KNOWN_DIMENSIONS[modelName];

  async function embedBatch(
    client: OpenAI,
    input: string[],
    dimensions: number,
    signal: AbortSignal,
  ): Promise<Float32Array[]> {
    const wish = known === undefined || known === dimensions ? {} : { dimensions };
    const { data } = await client.embeddings.create({ model: name, input, ...wish }, { signal });
    if (data.length !== input.length) throw new Error('There is not one embedding for each text.');
    return data
      .toSorted((a, b) => a.index - b.index)
      .map(({ embedding: numbers }) => Float32Array.from(numbers));
  }

  return {
    id: azureTextEmbedder(modelName),
    maxTokens: MAX_TOKENS,
    findDimensions: async (wish, signal) => {
      if (known === undefined) return wish ?? (await embed(['dimensions'], 0, signal))[0]?.length;
      const canShorten = modelName.startsWith('text-embedding-3-');
      return wish === undefined || wish === known || (canShorten && wish < known)
        ? (wish ?? known)
        : undefined;
    },
    embed,
  };

  async function embed(
    texts: readonly string[],
    dimensions: number,
    signal: AbortSignal,
  ): Promise<Float32Array[]> {
    const batches: string[][] = [];
    for (let first = 0; first < texts.length; first += TEXTS_AT_ONCE) {
      batches.push(texts.slice(first, first + TEXTS_AT_ONCE));
    }
    const embedded: Float32Array[][] = [];
    const entries = batches.entries();
    try {
      const client = await loadClient();
      const work = async () => {
        for (const [index, batch] of entries) {
          embedded[index] = await embedBatch(client, batch, dimensions, signal);
        }
      };
      await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
    } catch (error) {
      throw new EmbeddingFailedError(error);
    }
    return embedded.flat();
  }
}

function createLocalTextEmbedder(): TextEmbedder {
  const load = shareUntilFailure(() => loadLocalEmbedder());
  return {
    id: LOCAL_TEXT_EMBEDDER,
    findDimensions: async (wish = FOLDED_DIMENSIONS) =>
      wish === FOLDED_DIMENSIONS ? wish : undefined,
    maxTokens: MAX_TOKENS,
    embed: async (texts) => {
      const { embed } = await load();
      const embedded: Float32Array[] = [];
      for (const text of texts) {
        embedded.push(foldEmbedding(embed(text)));
        // Other requests have their turn.
        await setImmediate();
      }
      return embedded;
    },
  };
}

/** The embedding deployment did not do it (502, or 429 where it is busy). */
class EmbeddingFailedError extends UpstreamError {
  constructor(cause: unknown) {
    const isBusy = cause instanceof Error && 'status' in cause && cause.status === 429;
    super(
      `The embedding deployment did not embed the texts (${errorKind(cause)}): nothing was kept. Send them again.`,
      { status: isBusy ? 429 : 502, code: 'embedding_failed', cause },
    );
  }
}
