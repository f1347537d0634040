import * as z from 'zod';
import { chatRequestSchema } from '../chat-format/chat-request.ts';
import { outcomeSchema } from '../decisions/outcome-record.ts';
import { rollbackSchema } from '../handlers/entry-handlers.ts';
import { embeddingsSchema } from '../handlers/pass-embeddings.ts';
import { routeBatchSchema } from '../handlers/route-prompts.ts';
import { routingSchema } from '../policy/controls.ts';
import { messageSchema, threadSchema } from '../threads/thread.ts';
import {
  newItemsSchema,
  newStoreSchema,
  searchSchema,
  storeChangeSchema,
} from '../vector-stores/vector-store.ts';
import {
  chatCompletionChunkSchema,
  chatCompletionSchema,
  documentSchema,
  embeddingsListSchema,
  errorSchema,
  healthSchema,
  modelListSchema,
  modelSchema,
  routingDecisionSchema,
  routingDecisionsSchema,
} from './answer-schemas.ts';

import {
  decisionListSchema,
  decisionSchema,
  outcomeAnswerSchema,
  statsSchema,
} from './decision-schemas.ts';
import { readinessSchema } from './readiness-schema.ts';
import {
  deletedSchema,
  deploymentBodySchema,
  deploymentEntrySchema,
  deploymentListSchema,
  historySchema,
  patchSchema,
  useCaseBodySchema,
  useCaseEntrySchema,
  useCaseListSchema,
} from './registry-schemas.ts';

import {
  deletedThreadSchema,
  messageAnswerSchema,
  messageListSchema,
  threadAnswerSchema,
  threadListSchema,
} from './thread-schemas.ts';

import {
  addedEmbeddingsSchema,
  deletedEmbeddingSchema,
  deletedVectorStoreSchema,
  searchResultsSchema,
  storedEmbeddingSchema,
  vectorStoreListSchema,
  vectorStoreSchema,
} from './vector-store-schemas.ts';

/** A part of the document as JSON. */
export type Json = Readonly<Record<string, unknown>>;

/** The schemas by the name of their component. Those of requests are the ones that the router checks with. */
const schemas = {
  ChatCompletionRequest: chatRequestSchema,
  Routing: routingSchema,
  ChatCompletion: chatCompletionSchema,
  ChatCompletionChunk: chatCompletionChunkSchema,
  EmbeddingsRequest: embeddingsSchema,
  EmbeddingsList: embeddingsListSchema,
  Model: modelSchema,
  ModelList: modelListSchema,
  RouteBatch: routeBatchSchema,
  RouteRequest: z.union([routeBatchSchema, chatRequestSchema]),
  RoutingDecision: routingDecisionSchema,
  RoutingDecisions: routingDecisionsSchema,
  NewThread: threadSchema,
  Thread: threadAnswerSchema,
  ThreadList: threadListSchema,
  NewMessage: messageSchema,
  Message: messageAnswerSchema,
  MessageList: messageListSchema,
  DeletedThread: deletedThreadSchema,
  Decision: decisionSchema,
  DecisionList: decisionListSchema,
  Stats: statsSchema,
  Outcome: outcomeSchema,
  OutcomeAnswer: outcomeAnswerSchema,
  NewVectorStore: newStoreSchema,
  VectorStoreChange: storeChangeSchema,
  VectorStore: vectorStoreSchema,
  VectorStoreList: vectorStoreListSchema,
  DeletedVectorStore: deletedVectorStoreSchema,
  VectorStoreSearch: searchSchema,
  VectorStoreSearchResults: searchResultsSchema,
  NewEmbeddings: newItemsSchema,
  AddedEmbeddings: addedEmbeddingsSchema,
  StoredEmbedding: storedEmbeddingSchema,
  DeletedEmbedding: deletedEmbeddingSchema,
  DeploymentDefinition: deploymentBodySchema,
  DeploymentEntry: deploymentEntrySchema,
  DeploymentEntryList: deploymentListSchema,
  UseCaseDefinition: useCaseBodySchema,
  UseCaseEntry: useCaseEntrySchema,
  UseCaseEntryList: useCaseListSchema,
  Patch: patchSchema,
  Rollback: rollbackSchema,
  EntryHistory: historySchema,
  DeletedEntry: deletedSchema,
  Health: healthSchema,
  Readiness: readinessSchema,
  Document: documentSchema,
  File: z.string(),
  Error: errorSchema,
};

export type SchemaName = keyof typeof schemas;

const address = (name: string): string => `#/components/schemas/${name}`;

export function reference(name: SchemaName): Json {
  return { $ref: address(name) };
}

export function createSchemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const converted = z.toJSONSchema(registry, { io: 'input', cycles: 'throw', uri: address });
  return Object.fromEntries(
    Object.entries(converted.schemas).map(([name, { $schema, $id, ...schema }]) => [
      name,
      plain(schema),
    ]),
  );
}

/** Converts a schema that is written out where it occurs, as those of headers are. */
export function inlineSchema(schema: z.ZodType): Json {
  const { $schema, description, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return plain(rest) as Json;
}

/**
 * Returns the same schema with the keywords of OpenAPI 3.0 instead of those of 3.1 that API Management
 * refuses ("Cannot create a scalar value from this type of node"): lists of types, and `const`.
 */
function plain(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(plain);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      // The bounds that every whole number has in JavaScript carry no information.
      .filter(([, value]) => Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER)
      // That the names of properties are strings goes without saying.
      .filter(([key]) => key !== 'propertyNames')
      .map(([key, value]) => {
        if (key === 'type' && Array.isArray(value))
          return ['anyOf', value.map((type) => ({ type }))];
        if (key === 'const' && typeof value !== 'object') return ['enum', [value]];
        return [key, plain(value)];
      }),
  );
}
