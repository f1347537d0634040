import type { Operation } from './operation.ts';

const ACCESS = { access: 'key', tag: 'vector-stores' } as const;
const PATH = '/llm/openai/v1/vector_stores';
const ONE = `${PATH}/{id}`;
const ITEM = `${ONE}/embeddings/{item}`;
const READ_ERRORS = [404, 409, 501] as const;
const WRITE_ERRORS = [409, 501, 502] as const;

const store = {
  id: 'vs_0d9c2f6f3e0b4c1d8a7e5b9f1c2d3e4f',
  object: 'vector_store',
  created_at: 1_795_700_000,
  name: 'handbook',
  usage_bytes: 6_144,
  file_counts: { in_progress: 0, completed: 1, failed: 0, cancelled: 0, total: 1 },
  status: 'completed',
  expires_at: null,
  last_active_at: 1_795_700_000,
  metadata: {},
  dimensions: 1_536,
  embedder: 'azure-openai/text-embedding-3-small',
};

const item = { text: 'Leave is asked for two weeks before.', attributes: { chapter: 4 } };
const result = {
  file_id: 'leave',
  filename: 'leave',
  score: 0.62,
  attributes: item.attributes,
  content: [{ type: 'text', text: item.text }],
};

/** Vector stores, in OpenAI's shapes. A store of another caller is answered like one that does not exist. */
export const vectorStoreOperations = {
  'create-vector-store': {
    ...ACCESS,
    method: 'POST',
    path: PATH,
    summary: 'Create a vector store',
    description: 'For texts, which the router embeds, or for embeddings of other dimensions.',
    body: { schema: 'NewVectorStore', example: { name: 'handbook' } },
    answers: {
      200: { description: 'The store.', schema: 'VectorStore', example: store },
    },
    errors: WRITE_ERRORS,
  },
  'list-vector-stores': {
    ...ACCESS,
    method: 'GET',
    path: PATH,
    summary: "List the caller's vector stores",
    description: 'The newest first, unless `order` is `asc`.',
    query: ['limit', 'after', 'before', 'order'],
    answers: {
      200: {
        description: 'Stores.',
        schema: 'VectorStoreList',
        example: {
          object: 'list',
          data: [store],
          first_id: store.id,
          last_id: store.id,
          has_more: false,
        },
      },
    },
    errors: READ_ERRORS,
  },
  'get-vector-store': {
    ...ACCESS,
    method: 'GET',
    path: ONE,
    summary: 'Get a vector store',
    description: 'Without its embeddings.',
    answers: {
      200: { description: 'The store.', schema: 'VectorStore', example: store },
    },
    errors: READ_ERRORS,
  },
  'update-vector-store': {
    ...ACCESS,
    method: 'POST',
    path: ONE,
    summary: 'Change a vector store',
    description: 'Its name, metadata and expiry. Other fields stay.',
    body: { schema: 'VectorStoreChange', example: { name: 'handbook 2027' } },
    answers: {
      200: { description: 'The store.', schema: 'VectorStore', example: store },
    },
    errors: WRITE_ERRORS,
  },
  'delete-vector-store': {
    ...ACCESS,
    method: 'DELETE',
    path: ONE,
    summary: 'Delete a vector store',
    description: 'Deletes the store and all of its embeddings permanently.',
    answers: {
      200: {
        description: 'It is deleted.',
        schema: 'DeletedVectorStore',
        example: { id: store.id, object: 'vector_store.deleted', deleted: true },
      },
    },
    errors: READ_ERRORS,
  },
  'search-vector-store': {
    ...ACCESS,
    method: 'POST',
    path: `${ONE}/search`,
    summary: 'Search a vector store',
    description:
      'Finds the items nearest to a text or an embedding, among those that match the filters.',
    body: {
      schema: 'VectorStoreSearch',
      example: {
        query: 'How is leave asked for?',
        filters: { type: 'eq', key: 'chapter', value: 4 },
      },
    },
    answers: {
      200: {
        description: 'The nearest first.',
        schema: 'VectorStoreSearchResults',
        example: {
          object: 'vector_store.search_results.page',
          search_query: ['How is leave asked for?'],
          data: [result],
          has_more: false,
          next_page: null,
        },
      },
    },
    errors: WRITE_ERRORS,
  },
  'add-embeddings': {
    ...ACCESS,
    method: 'POST',
    path: `${ONE}/embeddings`,
    summary: 'Add embeddings to a vector store',
    description:
      'Up to 1,000 texts or embeddings, all of them or none. An item with the id of an existing one replaces it.',
    body: {
      schema: 'NewEmbeddings',
      example: { items: [{ id: 'leave', ...item }] },
      isNumeric: true,
    },
    answers: {
      200: {
        description: 'Their ids.',
        schema: 'AddedEmbeddings',
        example: {
          object: 'list',
          data: [
            {
              id: 'leave',
              object: 'vector_store.embedding',
              vector_store_id: store.id,
              status: 'completed',
            },
          ],
        },
      },
    },
    errors: WRITE_ERRORS,
  },
  'get-embedding': {
    ...ACCESS,
    method: 'GET',
    path: ITEM,
    summary: 'Get an embedding of a vector store',
    description: 'With its text and its attributes.',
    answers: {
      200: {
        description: 'The embedding.',
        schema: 'StoredEmbedding',
        example: {
          id: 'leave',
          object: 'vector_store.embedding',
          vector_store_id: store.id,
          created_at: store.created_at,
          ...item,
          embedding: [0.1, -0.2],
        },
      },
    },
    errors: READ_ERRORS,
  },
  'delete-embedding': {
    ...ACCESS,
    method: 'DELETE',
    path: ITEM,
    summary: 'Delete an embedding of a vector store',
    description: 'Deletes the embedding permanently.',
    answers: {
      200: {
        description: 'It is deleted.',
        schema: 'DeletedEmbedding',
        example: { id: 'leave', object: 'vector_store.embedding.deleted', deleted: true },
      },
    },
    errors: READ_ERRORS,
  },
} satisfies Readonly<Record<string, Operation>>;
