import * as z from 'zod';
import { type Attributes, type AttributeTypes, attributesSchema } from './attributes.ts';
import { filterSchema } from './filter.ts';

export const MAX_ITEMS_AT_ONCE = 1_000;
/** What the engines and their indexes take. */
export const MAX_DIMENSIONS = 4_096;
const MAX_RESULTS = 50;

const metadataSchema = z
  .record(z.string().max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, 'has more than 16 keys');

const expirySchema = z.object({
  anchor: z.literal('last_active_at'),
  days: z.int().min(1).max(365),
});

/** What can be changed of a store. */
export const storeChangeSchema = z.object({
  name: z.string().max(256).nullish(),
  metadata: metadataSchema.nullish(),
  expires_after: expirySchema.nullish().describe('After what was last added or looked for.'),
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
      "What is to embed its texts; absent: the router's embedding deployment, if it has one.",
    ),
  dimensions: z
    .int()
    .min(1)
    .max(MAX_DIMENSIONS)
    .nullish()
    .describe(
      'Of the embeddings that will be sent; absent: those of the embedder. With others, the store takes no texts.',
    ),
});

/** As JSON has numbers, or as OpenAI's `encoding_format` `base64` has them: float32, the lowest byte first. */
const embeddingSchema = z.union([
  z.array(z.number()).min(1).max(MAX_DIMENSIONS),
  z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/, 'must be numbers, or float32 in base64'),
]);
export type SentEmbedding = z.infer<typeof embeddingSchema>;

/** Printable, since it stands in paths. */
const itemId = z.string().regex(/^[\w.:@-]{1,128}$/, 'must be 1 to 128 of letters, digits, _.:@-');

export const newItemsSchema = z.strictObject({
  items: z
    .array(
      z.strictObject({
        id: itemId.nullish().describe('Absent: it is given one. One that is there is replaced.'),
        text: z.string().regex(/\S/, 'must not be empty').nullish(),
        embedding: embeddingSchema.nullish().describe('Absent: that of the text.'),
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
    .describe('A text, texts (taken as one), or an embedding.'),
  filters: filterSchema.nullish(),
  max_num_results: z.int().min(1).max(MAX_RESULTS).nullish().describe('10 unless given.'),
  ranking_options: z
    .object({
      ranker: z.string().nullish(),
      score_threshold: z.number().min(0).max(1).nullish(),
    })
    .nullish(),
  rewrite_query: z.boolean().nullish().describe('Taken, and has no effect.'),
});

/** A store, without what is in it. */
export type VectorStore = {
  readonly id: string;
  /** The caller that made it. */
  readonly owner: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Since 1970, in ms. */
  readonly createdAt: number;
  readonly lastActiveAt: number;
  /** Absent: it does not expire. */
  readonly expiresAfterDays?: number;
  readonly dimensions: number;
  /** What embeds its texts; absent: it takes embeddings alone. */
  readonly embedder?: string;
  readonly attributeTypes: AttributeTypes;
};

const DAY_MS = 86_400_000;

/** Since 1970, in ms; undefined when it does not expire. */
export function expiryOf({ lastActiveAt, expiresAfterDays }: VectorStore): number | undefined {
  return expiresAfterDays === undefined ? undefined : lastActiveAt + expiresAfterDays * DAY_MS;
}

/** A piece of a store. */
export type VectorItem = {
  readonly id: string;
  readonly embedding: Float32Array;
  readonly text?: string;
  readonly attributes: Attributes;
  /** Since 1970, in ms. */
  readonly createdAt: number;
};

/** What the router itself looks into, by metadata that only an admin may give. */
export const OUTCOMES_METADATA = { key: 'smart_router', value: 'outcomes' } as const;

/** Whether it has prompts with how well models have answered them. */
export function isOfOutcomes({ metadata }: Pick<VectorStore, 'metadata'>): boolean {
  return metadata[OUTCOMES_METADATA.key] === OUTCOMES_METADATA.value;
}
