import type { Json, SchemaName } from './components.ts';
import { decisionOperations } from './decision-operations.ts';
import * as examples from './examples.ts';
import { registryOperations } from './registry-operations.ts';
import { answer, BODY_ERRORS, DEPLOYMENT_ERRORS, errorResponses } from './responses.ts';
import { serviceOperations } from './service-operations.ts';
import { threadOperations } from './thread-operations.ts';
import { vectorStoreOperations } from './vector-store-operations.ts';

/** Parameters of queries, which document.ts describes. */
export type QueryName =
  | 'dry_run'
  | 'probe'
  | 'user'
  | 'limit'
  | 'after'
  | 'before'
  | 'order'
  | 'from'
  | 'to'
  | 'use_case'
  | 'deployment'
  | 'tier'
  | 'reason'
  | 'caller'
  | 'by';

export type Operation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Who may call: everybody, holders of a key, or admins among them. */
  readonly access: 'open' | 'key' | 'admin';
  readonly tag: keyof typeof TAGS;
  /** At most 300 characters: its name in API Management. */
  readonly summary: string;
  readonly description: string;
  /** Whether its request headers say how to route. */
  readonly routes?: boolean;
  /** Whether `If-Match` and `If-None-Match` are heeded. */
  readonly isConditional?: boolean;
  readonly query?: readonly QueryName[];
  /** Whether `Idempotency-Key` is heeded. */
  readonly isIdempotent?: boolean;
  readonly body?: { readonly schema: SchemaName; readonly example: Json };
  /** By status. */
  readonly responses: Json;
};

export const TAGS = {
  chat: 'Chat completions, each answered by the cheapest model that will do it well.',
  embeddings: 'Passed through to the embedding deployment.',
  routing: 'Decisions without calls, and what can be called.',
  threads: 'Conversations that are kept.',
  'vector-stores': 'Stores of embeddings.',
  decisions: 'What was decided, and how good it was.',
  registry: 'Deployments and the policies of use cases, while the router runs: for admins.',
  service: 'The service itself: no key is needed.',
};

const DEPLOYMENT =
  'The deployment that the path names: `smart-router` routes, `router-mf-<threshold>` routes at that threshold, the name of a deployment calls it.';
const MODEL = "Routed by the body's `model`; without one, as `smart-router`.";

/**
 * Every operation by the name of its route in `functions/routes/routes.ts`, whose table does not compile
 * without each of them. To add a route: add it there and here, and run `npm run openapi`.
 * The route `zz-not-found`, which answers all other paths with a 404, is no operation.
 */
export const operations = {
  ...serviceOperations,
  chat: chat('/llm/openai/deployments/{deployment}/chat/completions', 'by deployment', DEPLOYMENT),
  'chat-by-base-url': chat(
    '/llm/deployments/{deployment}/chat/completions',
    'as an AzureOpenAI client with a base URL asks',
    DEPLOYMENT,
  ),
  'chat-v1': chat('/llm/openai/v1/chat/completions', 'by model', MODEL),
  'chat-ai-sdk': chat('/llm/openai/chat/completions', 'as the AI SDK asks', MODEL),
  'chat-ai-sdk-short': chat('/llm/chat/completions', 'as the AI SDK asks, without /openai', MODEL),
  embeddings: embeddings('/llm/openai/deployments/{deployment}/embeddings', 'by deployment'),
  'embeddings-by-base-url': embeddings(
    '/llm/deployments/{deployment}/embeddings',
    'as an AzureOpenAI client with a base URL asks',
  ),
  'embeddings-ai-sdk': embeddings('/llm/openai/embeddings', 'as the AI SDK asks'),
  'embeddings-ai-sdk-short': embeddings('/llm/embeddings', 'as the AI SDK asks, without /openai'),
  'embeddings-v1': embeddings('/llm/openai/v1/embeddings', 'by model'),
  models: {
    method: 'GET',
    path: '/llm/openai/v1/models',
    access: 'key',
    tag: 'routing',
    summary: 'What can be called',
    description: '`smart-router` and the deployments, by the names to ask for.',
    responses: {
      200: answer(
        { description: 'The names.', schema: 'ModelList', example: examples.modelList },
        'common',
      ),
      ...errorResponses([400, 401, 403, 429, 431, 500, 503]),
    },
  },
  route: {
    method: 'POST',
    path: '/llm/route',
    access: 'key',
    tag: 'routing',
    summary: 'Decide without calling',
    description:
      'The decision on each of up to 1,000 prompts, or on one chat request, as a chat completion would get it. No deployment is called.',
    routes: true,
    body: { schema: 'RouteRequest', example: examples.routeBatch },
    responses: {
      200: answer(
        {
          description: 'The decisions, in the order of the prompts.',
          schema: 'RoutingDecisions',
          example: examples.routingDecisions,
        },
        'common',
      ),
      ...errorResponses([...BODY_ERRORS, 409]),
    },
  },
  ...threadOperations,
  ...decisionOperations,
  ...vectorStoreOperations,
  ...registryOperations,
} satisfies Readonly<Record<string, Operation>>;

export type OperationId = keyof typeof operations;

function chat(path: string, how: string, description: string): Operation {
  return {
    method: 'POST',
    path,
    access: 'key',
    tag: 'chat',
    summary: `Chat completion, ${how}`,
    description: `${description} The body is OpenAI's; fields that are not described here go through to the deployment. The deployment's errors go through, also those of a status that is not listed; after a decision they have its headers.`,
    routes: true,
    isIdempotent: true,
    body: { schema: 'ChatCompletionRequest', example: examples.chatRequest },
    responses: {
      200: answer(
        {
          description:
            "The deployment's answer with `response` and `selected_model`; with `stream`, its events unchanged.",
          schema: 'ChatCompletion',
          example: examples.chatCompletion,
          events: { schema: 'ChatCompletionChunk', example: examples.chatCompletionChunk },
        },
        'decided',
      ),
      ...errorResponses([...BODY_ERRORS, 409, 422, ...DEPLOYMENT_ERRORS]),
    },
  };
}

function embeddings(path: string, how: string): Operation {
  return {
    method: 'POST',
    path,
    access: 'key',
    tag: 'embeddings',
    summary: `Embeddings, ${how}`,
    description:
      "Passed through, so that an application needs one address for all of its calls. The body is OpenAI's; fields that are not described here go through, as do the deployment's errors.",
    body: { schema: 'EmbeddingsRequest', example: examples.embeddingsRequest },
    responses: {
      200: answer(
        {
          description: "The deployment's answer, unchanged.",
          schema: 'EmbeddingsList',
          example: examples.embeddingsList,
        },
        'passed',
      ),
      ...errorResponses([...BODY_ERRORS, ...DEPLOYMENT_ERRORS]),
    },
  };
}
