import * as z from 'zod';
import { type Attributes, type AttributeTypes, attributesSchema } from './attributes.ts';
import { filterSchema } from './filter.ts';

export const MAX_ITEMS_AT_ONCE = 1_000;
/** The most dimensions that all engines take. */
export const MAX_DIMENSIONS = 4_096;
const MAX_RESULTS = 50;

const metadataSchema = z
  .record(z.string().max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, 'has more than 16 keys');

const expirySchema = z.object({
  anchor: z.literal('last_active_at'),
  days: z.int().min(1).max(365),
});

/** The fields of a store that can be changed. */
export const storeChangeSchema = z.object({
  name: z.string().max(256).nullish(),
  metadata: metadataSchema.nullish(),
  expires_after: expirySchema.nullish().describe('Counted from the last addition or search.'),
});

export const newStoreSchema = storeChangeSchema.extend({
  file_ids: z
    .array(z.string())
    .max(0, 'must be empty: this router takes texts and embeddings, not files')
    .nullish(),
  embedder: z
    .string()
    .max(256)
    .nullish()
    .describe(
      "The embedder of its texts; absent: the router's embedding deployment, if it has one.",
    ),
  dimensions: z
    .int()
    .min(1)
    .max(MAX_DIMENSIONS)
    .nullish()
    .describe(
      'The dimensions of the embeddings; absent: those of the embedder. With dimensions that the embedder does not support, the store takes no texts.',
    ),
});

/** Numbers, or OpenAI's `encoding_format` `base64`: float32, little-endian. */
const embeddingSchema = z.union([
  z.array(z.number()).min(1).max(MAX_DIMENSIONS),
  z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/, 'must be numbers or float32 in base64'),
]);
export type SentEmbedding = z.infer<typeof embeddingSchema>;

/** Printable, since ids appear in paths. */
const itemId = z.string().regex(/^[\w.:@-]{1,128}$/, 'must be 1 to 128 letters, digits or _.:@-');

export const newItemsSchema = z.strictObject({
  items: z
    .array(
      z.strictObject({
        id: itemId
          .nullish()
          .describe('Absent: the router creates one. An existing item with this id is replaced.'),
        text: z.string().regex(/\S/, 'must not be empty').nullish(),
        embedding: embeddingSchema.nullish().describe('Absent: the embedding of the text.'),
        attributes: attributesSchema.nullish(),
      }),
    )
    .min(1)
    .max(MAX_ITEMS_AT_ONCE),
});

export type NewItem = Readonly<z.infer<typeof newItemsSchema>['items'][number]>;

export const searchSchema = z.object({
  query: z
    .union([
      z.string().regex(/\S/, 'must not be empty'),
      z.array(z.string()).min(1),
      z.array(z.number()).min(1),
    ])
    .describe('A text, several texts (joined into one), or an embedding.'),
  filters: filterSchema.nullish(),
  max_num_results: z.int().min(1).max(MAX_RESULTS).nullish().describe('Default: 10.'),
  ranking_options: z
    .object({
      ranker: z.string().nullish(),
      score_threshold: z.number().min(0).max(1).nullish(),
    })
    .nullish(),
  rewrite_query: z.boolean().nullish().describe('Accepted, without effect.'),
});

/** A vector store, without its items. */
export type VectorStore = {
  readonly id: string;
  /** The name of the caller that created it. */
  readonly owner: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Milliseconds since 1970, of the last addition or search; up to an hour late. */
  readonly lastActiveAt: number;
  /** Absent if it does not expire. */
  readonly expiresAfterDays?: number;
  readonly dimensions: number;
  /** The embedder of its texts; absent if it takes only embeddings. */
  readonly embedder?: string;
  readonly attributeTypes: AttributeTypes;
};

const DAY_MS = 86_400_000;

/** Returns milliseconds since 1970; undefined if the store does not expire. */
export function expiryOf({ lastActiveAt, expiresAfterDays }: VectorStore): number | undefined {
  return expiresAfterDays === undefined ? undefined : lastActiveAt + expiresAfterDays * DAY_MS;
}

/** An item of a vector store. */
export type VectorItem = {
  readonly id: string;
  readonly embedding: Float32Array;
  readonly text?: string;
  readonly attributes: Attributes;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
};

/** The metadata of a store that the router itself searches, which only an admin may set. */
export const OUTCOMES_METADATA = { key: 'smart_router', value: 'outcomes' } as const;

/** True for a store of prompts with the quality of the models' answers. */
export function isOfOutcomes({ metadata }: Pick<VectorStore, 'metadata'>): boolean {
  return metadata[OUTCOMES_METADATA.key] === OUTCOMES_METADATA.value;
}
