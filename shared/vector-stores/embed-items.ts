import { randomUUID } from 'node:crypto';
import { InvalidRequestError } from '../base/errors.ts';
import { createPromptSize } from '../capabilities/prompt-size.ts';
import type { EmbedFor, TextEmbedder } from './text-embedder.ts';
import type { NewItem, SentEmbedding, VectorStore } from './vector-store.ts';
import { EmbedderMismatchError, NoEmbedderError } from './vector-store-errors.ts';

export type EmbedOptions = {
  readonly embedders: readonly TextEmbedder[];
  readonly store: VectorStore;
  readonly whom: EmbedFor;
};

export type Embedded = { readonly id: string; readonly embedding: Float32Array };

/** Returns the ids and embeddings of items. All items are checked before any text is paid for. */
export async function embedItems(
  options: EmbedOptions,
  items: readonly NewItem[],
): Promise<Embedded[]> {
  const texts = items.flatMap(({ text, embedding }, index) => {
    if (embedding != null) return [];
    if (text != null) return [{ text, param: `items.${index}.text` }];
    const param = `items.${index}`;
    throw new InvalidRequestError(`${param} has neither text nor embedding.`, { param });
  });
  const sent = items.map(({ embedding }, index) =>
    embedding == null
      ? undefined
      : toEmbedding(embedding, options.store, `items.${index}.embedding`),
  );
  const ofTexts = (await embedTexts(options, texts)).values();
  return items.map(({ id }, index) => ({
    id: id ?? `emb_${randomUUID().replaceAll('-', '')}`,
    embedding: sent[index] ?? (ofTexts.next().value as Float32Array),
  }));
}

type Text = { readonly text: string; readonly param: string };

/** Embeds texts. Throws an HttpError if the store does not take them. */
export async function embedTexts(
  { embedders, store, whom }: EmbedOptions,
  texts: readonly Text[],
): Promise<Float32Array[]> {
  const [first] = texts;
  if (first === undefined) return [];
  if (store.embedder === undefined) throw new NoEmbedderError(first.param, store.dimensions);
  const { dimensions } = store;
  const stored = { embedder: store.embedder, dimensions };
  const embedder = embedders.find(({ id }) => id === store.embedder);
  if (embedder === undefined) throw await toMismatch(stored, embedders[0], whom);
  for (const { text, param } of texts) {
    if (await createPromptSize([text]).exceeds(embedder.maxTokens)) {
      throw new InvalidRequestError(
        `${param} has more than the ${embedder.maxTokens} tokens that ${embedder.id} takes: send it in pieces.`,
        { param },
      );
    }
  }
  const embeddings = await embedder.embed(
    texts.map(({ text }) => text),
    dimensions,
    whom,
  );
  const other = embeddings.find(({ length }) => length !== dimensions);
  if (other === undefined) return embeddings;
  throw new EmbedderMismatchError(stored, { id: embedder.id, dimensions: other.length });
}

async function toMismatch(
  stored: { readonly embedder: string; readonly dimensions: number },
  now: TextEmbedder | undefined,
  whom: EmbedFor,
): Promise<EmbedderMismatchError> {
  const dimensions = await now?.findDimensions(undefined, whom).catch(() => undefined);
  return new EmbedderMismatchError(stored, { id: now?.id ?? 'none', dimensions });
}

/** Reads an embedding. Throws an InvalidRequestError if it cannot be compared with those in the store. */
export function toEmbedding(
  sent: SentEmbedding | readonly number[],
  { dimensions, embedder }: VectorStore,
  param: string,
): Float32Array {
  const numbers = typeof sent === 'string' ? fromBase64(sent, param) : Float32Array.from(sent);
  if (numbers.length !== dimensions) {
    const by = embedder === undefined ? '' : `, as returned by ${embedder}`;
    throw new InvalidRequestError(
      `${param} has ${numbers.length} numbers; this vector store takes ${dimensions}${by}.`,
      { param },
    );
  }
  if (!numbers.every(Number.isFinite)) {
    throw new InvalidRequestError(`${param} has a number that float32 cannot hold.`, { param });
  }
  if (numbers.every((number) => number === 0)) {
    throw new InvalidRequestError(`${param} has only zeros, and therefore no direction.`, {
      param,
    });
  }
  return numbers;
}

function fromBase64(text: string, param: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % 4 !== 0) {
    throw new InvalidRequestError(
      `${param} has ${bytes.length} bytes, which is not a multiple of float32's four.`,
      {
        param,
      },
    );
  }
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) =>
    bytes.readFloatLE(4 * index),
  );
}
