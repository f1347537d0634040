import { decisionOperations } from './decision-operations.ts';
import * as examples from './examples.ts';
import type { Operation } from './operation.ts';
import { registryOperations } from './registry-operations.ts';
import { answer, BODY_ERRORS, DEPLOYMENT_ERRORS, errorResponses } from './responses.ts';
import { serviceOperations } from './service-operations.ts';
import { threadOperations } from './thread-operations.ts';
import { vectorStoreOperations } from './vector-store-operations.ts';

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
