import { MAX_TOKENS } from '../../shared/prompt-embedding/azure-embedder.ts';
import { InputError } from '../command-line/input-error.ts';
import type { EmbedBatch } from './azure-batch-embedder.ts';
import { type EmbeddingsFile, type PromptItem, promptKey } from './embeddings-file.ts';

/** Embeds many prompts for the model tools. */
export type BatchEmbedder = {
  /** Embedder's id as in the registry: `local/2`, `azure-openai/text-embedding-3-small`. */
  readonly id: string;
  /**
   * Yields one embedding per prompt, in order, all of one length and finite. Leaving the loop early
   * ends the calls that are under way. Throws an InputError, or a ConfigError for a missing
   * setting.
   */
  embedAll(prompts: Iterable<PromptItem> | AsyncIterable<PromptItem>): AsyncGenerator<Float32Array>;
  close(): Promise<void>;
};

type BatchEmbedderOptions = {
  readonly id: string;
  /** Numbers in an embedding; the first embedding's length by default. */
  readonly dimensions?: number;
  readonly embedBatch: EmbedBatch;
  /** A file that is searched first, and to which computed embeddings are added. */
  readonly file?: EmbeddingsFile;
};

type Batch = {
  readonly prompts: PromptItem[];
  /** Texts whose embeddings must be computed, each listed once, by key. */
  readonly missing: Map<string, string>;
};

/**
 * Texts per request. Azure OpenAI takes 2,048 texts and 300,000 tokens a request. Fewer texts cost
 * nothing, and less is lost when a run is broken off.
 */
const MAX_TEXTS = 256;
/**
 * Bytes per request. A token is at least one byte, so this many bytes are never too many tokens;
 * prose has about a quarter as many tokens, which is less than a small quota allows a minute.
 */
const MAX_BYTES = 300_000;
/** Prompts per batch when most embeddings are found in the file. */
const MAX_PROMPTS = 1_024;
/** Largest number of concurrent requests. */
const MAX_AT_ONCE = 4;

export function createBatchEmbedder(options: BatchEmbedderOptions): BatchEmbedder {
  const { id, embedBatch, file } = options;
  let { dimensions } = options;

  function check(embedding: Float32Array): void {
    dimensions ??= embedding.length;
    if (embedding.length !== dimensions) {
      throw new InputError(
        `The embedder ${id} returned ${embedding.length} dimensions instead of ${dimensions}: check that the deployment is of the right model.`,
      );
    }
    if (embedding.every(Number.isFinite)) return;
    throw new InputError(`The embedder ${id} returned a value that is not a finite number.`);
  }

  async function embed({ prompts, missing }: Batch, signal: AbortSignal): Promise<Float32Array[]> {
    const keys = [...missing.keys()];
    const computed = keys.length === 0 ? [] : await embedBatch([...missing.values()], signal);
    computed.forEach(check);
    if (computed.length > 0) await file?.append(keys, computed);
    const byKey = new Map(computed.map((embedding, index) => [keys[index], embedding]));
    const embeddings: Float32Array[] = [];
    for (const prompt of prompts) {
      const embedding = byKey.get(promptKey(prompt.text)) ?? (await file?.find(prompt));
      if (embedding === undefined) throw new Error(`No embedding was computed for ${prompt.id}.`);
      embeddings.push(embedding);
    }
    return embeddings;
  }

  return {
    id,
    async *embedAll(prompts) {
      const leaving = new AbortController();
      const underWay: Promise<Float32Array[]>[] = [];
      try {
        for await (const batch of toBatches(prompts, file)) {
          const embedded = embed(batch, leaving.signal);
          // The batches before this one are awaited first, and they may fail as well.
          embedded.catch(() => undefined);
          underWay.push(embedded);
          if (underWay.length === MAX_AT_ONCE) yield* (await underWay.shift()) ?? [];
        }
        while (underWay.length > 0) yield* (await underWay.shift()) ?? [];
      } finally {
        leaving.abort();
        await Promise.allSettled(underWay);
      }
    },
    close: async () => file?.close(),
  };
}

async function* toBatches(
  prompts: Iterable<PromptItem> | AsyncIterable<PromptItem>,
  file: EmbeddingsFile | undefined,
): AsyncGenerator<Batch> {
  let batch: Batch = { prompts: [], missing: new Map() };
  let bytes = 0;
  for await (const prompt of prompts) {
    const isFound = file?.has(prompt) === true;
    const more = isFound ? 0 : weigh(prompt.text);
    const isFull = bytes + more > MAX_BYTES || batch.missing.size === MAX_TEXTS;
    if (isFull || batch.prompts.length === MAX_PROMPTS) {
      yield batch;
      batch = { prompts: [], missing: new Map() };
      bytes = 0;
    }
    batch.prompts.push(prompt);
    if (!isFound) batch.missing.set(promptKey(prompt.text), prompt.text);
    bytes += more;
  }
  if (batch.prompts.length > 0) yield batch;
}

/** Returns what a text adds to a request, in bytes or tokens, whichever is less. */
function weigh(text: string): number {
  return Math.min(Buffer.byteLength(text), MAX_TOKENS);
}
