import { decisionOperations } from './decision-operations.ts';
import * as examples from './examples.ts';
import type { Operation } from './operation.ts';
import { registryOperations } from './registry-operations.ts';
import { serviceOperations } from './service-operations.ts';
import { threadOperations } from './thread-operations.ts';
import { vectorStoreOperations } from './vector-store-operations.ts';

const DEPLOYMENT =
  'The deployment that the path names: `smart-router` routes, `router-mf-<threshold>` routes at that threshold, the name of a deployment calls it.';
const MODEL = "Routed by the body's `model`; without one, as `smart-router`.";

/**
 * The table of routes. It has everything about each route but the handler, which `functions/routes/routes.ts`
 * has under the same name: a route without a handler does not compile. The app loads this table when it starts,
 * so it holds plain data and imports schemas only as types. Other spellings of these paths, and the 404 of all
 * other paths, are not operations (`functions/http/find-route.ts`).
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
  models: models('/llm/openai/v1/models', ''),
  'models-ai-sdk': models('/llm/openai/models', ', as an AzureOpenAI client asks'),
  'models-ai-sdk-short': models('/llm/models', ', as an AzureOpenAI client with a base URL asks'),
  model: model('/llm/openai/v1/models/{name}', ''),
  'model-ai-sdk': model('/llm/openai/models/{name}', ', as an AzureOpenAI client asks'),
  'model-ai-sdk-short': model(
    '/llm/models/{name}',
    ', as an AzureOpenAI client with a base URL asks',
  ),
  route: {
    method: 'POST',
    path: '/llm/route',
    access: 'key',
    tag: 'routing',
    summary: 'Decide without calling',
    description:
      'The decision on each of up to 1,000 prompts, or on one chat request, as a chat completion would get it. No deployment is called.',
    isRouted: true,
    body: { schema: 'RouteRequest', example: examples.routeBatch },
    answers: {
      200: {
        description: 'The decisions, in the order of the prompts.',
        schema: 'RoutingDecisions',
        example: examples.routingDecisions,
      },
    },
    errors: [409],
  },
  ...threadOperations,
  ...decisionOperations,
  ...vectorStoreOperations,
  ...registryOperations,
} satisfies Readonly<Record<string, Operation>>;

export type OperationId = keyof typeof operations;

function chat(path: Operation['path'], how: string, description: string): Operation {
  return {
    method: 'POST',
    path,
    access: 'key',
    tag: 'chat',
    summary: `Chat completion, ${how}`,
    description: `${description} The body is OpenAI's; fields that are not described here go through to the deployment. The deployment's errors go through, also those of a status that is not listed; after a decision they have its headers.`,
    isRouted: true,
    isIdempotent: true,
    body: { schema: 'ChatCompletionRequest', example: examples.chatRequest },
    answers: {
      200: {
        headers: 'decided',
        description:
          "The deployment's answer with `response` and `selected_model`; with `stream`, its events unchanged.",
        schema: 'ChatCompletion',
        example: examples.chatCompletion,
        events: { schema: 'ChatCompletionChunk', example: examples.chatCompletionChunk },
      },
    },
    errors: [409, 422, 502, 504],
  };
}

function embeddings(path: Operation['path'], how: string): Operation {
  return {
    method: 'POST',
    path,
    access: 'key',
    tag: 'embeddings',
    summary: `Embeddings, ${how}`,
    description:
      "Passed through, so that an application needs one address for all of its calls. The body is OpenAI's; fields that are not described here go through, as do the deployment's errors.",
    body: { schema: 'EmbeddingsRequest', example: examples.embeddingsRequest },
    answers: {
      200: {
        headers: 'passed',
        description: "The deployment's answer, unchanged.",
        schema: 'EmbeddingsList',
        example: examples.embeddingsList,
      },
    },
    errors: [502, 504],
  };
}

function models(path: Operation['path'], how: string): Operation {
  return {
    method: 'GET',
    path,
    access: 'key',
    tag: 'routing',
    summary: `List the models that can be called${how}`,
    description: '`smart-router` and the deployments, by the names that requests use.',
    answers: {
      200: { description: 'The names.', schema: 'ModelList', example: examples.modelList },
    },
  };
}

function model(path: Operation['path'], how: string): Operation {
  return {
    method: 'GET',
    path,
    access: 'key',
    tag: 'routing',
    summary: `Get a model that can be called${how}`,
    description: 'The entry of one name in the list of models, or of `router-mf-<threshold>`.',
    answers: {
      200: { description: 'The name.', schema: 'Model', example: examples.modelList.data[0] },
    },
    errors: [404],
  };
}
