import * as z from 'zod';

const seconds = z.int().describe('Seconds since 1970.');
const attributes = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

export const vectorStoreSchema = z.object({
  id: z.string(),
  object: z.enum(['vector_store']),
  created_at: seconds,
  name: z.string(),
  usage_bytes: z.int().describe('The bytes of the embeddings themselves.'),
  file_counts: z
    .object({
      in_progress: z.int(),
      completed: z.int(),
      failed: z.int(),
      cancelled: z.int(),
      total: z.int(),
    })
    .describe('The number of items: each counts as one file.'),
  status: z.enum(['completed']),
  expires_after: z.object({ anchor: z.string(), days: z.int() }).optional(),
  expires_at: seconds.nullable(),
  last_active_at: seconds,
  metadata: z.record(z.string(), z.string()),
  dimensions: z.int(),
  embedder: z.string().nullable().describe('The embedder of its texts; null if it takes no texts.'),
});

export const vectorStoreListSchema = z.object({
  object: z.enum(['list']),
  data: z.array(vectorStoreSchema),
  first_id: z.string().nullable(),
  last_id: z.string().nullable().describe('The id of the last entry, for `after`.'),
  has_more: z.boolean(),
});

export const deletedVectorStoreSchema = z.object({
  id: z.string(),
  object: z.enum(['vector_store.deleted']),
  deleted: z.boolean(),
});

export const addedEmbeddingsSchema = z.object({
  object: z.enum(['list']),
  data: z
    .array(
      z.object({
        id: z.string(),
        object: z.enum(['vector_store.embedding']),
        vector_store_id: z.string(),
        status: z.enum(['completed']),
      }),
    )
    .describe('In the order of the items.'),
});

export const storedEmbeddingSchema = z.object({
  id: z.string(),
  object: z.enum(['vector_store.embedding']),
  vector_store_id: z.string(),
  created_at: seconds,
  text: z.string().nullable(),
  attributes,
  embedding: z.array(z.number()),
});

export const deletedEmbeddingSchema = z.object({
  id: z.string(),
  object: z.enum(['vector_store.embedding.deleted']),
  deleted: z.boolean(),
});

export const searchResultsSchema = z.object({
  object: z.enum(['vector_store.search_results.page']),
  search_query: z.array(z.string()).describe('Empty if an embedding was sent.'),
  data: z.array(
    z.object({
      file_id: z.string().describe("The item's id."),
      filename: z.string().describe("The item's id, too."),
      score: z.number().describe('The cosine of the two embeddings.'),
      attributes,
      content: z.array(z.object({ type: z.enum(['text']), text: z.string() })),
    }),
  ),
  has_more: z.boolean(),
  next_page: z.string().nullable(),
});
