import type { HttpMethod } from '@azure/functions';
import { mayCall } from '../../shared/access/caller.ts';
import { jsonAnswer } from '../../shared/base/answer.ts';
import { HttpError } from '../../shared/base/errors.ts';
import type { Call } from '../../shared/calls/call.ts';
import type { OperationId } from '../../shared/openapi/operations.ts';
import { enabledUpstreams, type Services } from '../build/create-services.ts';
import type { Route } from '../http/respond.ts';
import { createDashboard } from './dashboard-files.ts';
import { entryRoutes, type RouteEntry } from './entry-routes.ts';
import { threadRoutes } from './thread-routes.ts';
import { vectorStoreRoutes } from './vector-store-routes.ts';

type RouteTable = Readonly<Record<string, RouteEntry>>;

/** Each is described under its name in `shared/openapi/operations.ts`. */
export function routesOf(services: Services, home: URL): Record<OperationId, RouteEntry> {
  const { registry, routePrompts } = services;
  const all = {
    ...openRoutes(services, home),
    ...chatRoutes(services),
    ...embeddingRoutes(services),
    route: {
      path: 'llm/route',
      method: 'POST',
      access: 'key',
      hasBody: true,
      handle: routePrompts,
    },
    ...threadRoutes(services.threads),
    ...vectorStoreRoutes(services.vectorStores),
    ...decisionRoutes(services.decisions),
    ...entryRoutes('deployment', 'llm/deployments', registry.deployments),
    ...entryRoutes('use-case', 'llm/use-cases', registry.useCases),
  } satisfies Record<OperationId, RouteEntry>;
  return all;
}

function chatRoutes({ completeChat }: Services) {
  const chat = { method: 'POST', access: 'key', hasBody: true, handle: completeChat } as const;
  const named = { ...chat, param: 'deployment' } as const;
  return {
    chat: { path: 'llm/openai/deployments/{deployment}/chat/completions', ...named },
    // What an AzureOpenAI client with a `baseURL` asks.
    'chat-by-base-url': { path: 'llm/deployments/{deployment}/chat/completions', ...named },
    'chat-v1': { path: 'llm/openai/v1/chat/completions', ...chat },
    // What the AI SDK's `.chat()` asks, with and without `/openai` in its base address.
    'chat-ai-sdk': { path: 'llm/openai/chat/completions', ...chat },
    'chat-ai-sdk-short': { path: 'llm/chat/completions', ...chat },
  } satisfies RouteTable;
}

function embeddingRoutes({ passEmbeddings }: Services) {
  const one = { method: 'POST', access: 'key', hasBody: true, handle: passEmbeddings } as const;
  const named = { ...one, param: 'deployment' } as const;
  return {
    embeddings: { path: 'llm/openai/deployments/{deployment}/embeddings', ...named },
    'embeddings-by-base-url': { path: 'llm/deployments/{deployment}/embeddings', ...named },
    // What the AI SDK asks, as for chat.
    'embeddings-ai-sdk': { path: 'llm/openai/embeddings', ...one },
    'embeddings-ai-sdk-short': { path: 'llm/embeddings', ...one },
    'embeddings-v1': { path: 'llm/openai/v1/embeddings', ...one },
  } satisfies RouteTable;
}

function decisionRoutes(handle: Services['decisions']) {
  const admin = { method: 'GET', access: 'admin' } as const;
  return {
    'list-decisions': { ...admin, path: 'llm/decisions', handle: handle.list },
    'get-decision': { ...admin, path: 'llm/decisions/{id}', param: 'id', handle: handle.get },
    stats: { ...admin, path: 'llm/stats', handle: handle.stats },
    'add-outcome': {
      path: 'llm/outcomes',
      method: 'POST',
      access: 'key',
      hasBody: true,
      handle: handle.addOutcome,
    },
  } satisfies RouteTable;
}

/** What is below `llm/` and no route: in order of its name, it comes behind all others. */
export const NOT_FOUND = {
  name: 'zz-not-found',
  path: 'llm/{*rest}',
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] satisfies HttpMethod[],
};

/** Says what there is instead. */
export function notFoundRoute(routes: RouteTable): Route {
  const known = Object.values(routes).map(({ method, path }) => `${method} /${path}`);
  return {
    path: NOT_FOUND.path,
    access: 'open',
    handle: () => {
      throw new HttpError(
        `There is no such route. There are: ${known.join(', ')}. Clients that ask /responses by default have a way to ask for chat completions, such as .chat() in the AI SDK.`,
        { status: 404, code: 'not_found' },
      );
    },
  };
}

/** What is said of the router itself, and its page. */
function openRoutes({ registry, embedding, checkReadiness }: Services, home: URL) {
  const open = { method: 'GET', access: 'open' } as const;
  const { page, file } = createDashboard(new URL('dashboard/', home));

  async function ready() {
    const readiness = await checkReadiness();
    return jsonAnswer(readiness.status === 'unavailable' ? 503 : 200, readiness);
  }

  async function openapi() {
    // Few ask for it: it is not read at the start.
    const { default: document } = await import('../../docs/openapi.json', {
      with: { type: 'json' },
    });
    return jsonAnswer(200, document);
  }

  function listModels({ caller }: Call) {
    const callable = [...enabledUpstreams(registry), ...(embedding ? [embedding] : [])];
    const names = callable.map(({ deployment }) => deployment.name);
    const ids = ['smart-router', ...names.filter((name) => mayCall(caller, name))];
    const data = ids.map((id) => ({ id, object: 'model', created: 0, owned_by: 'smart-router' }));
    return jsonAnswer(200, { object: 'list', data });
  }

  return {
    health: { ...open, path: 'health', handle: () => jsonAnswer(200, { status: 'online' }) },
    ready: { ...open, path: 'ready', handle: ready },
    openapi: { ...open, path: 'openapi.json', handle: openapi },
    dashboard: { ...open, path: 'dashboard', handle: page },
    'dashboard-file': { ...open, path: 'dashboard/{name}', param: 'name', handle: file },
    models: { ...open, path: 'llm/openai/v1/models', access: 'key', handle: listModels },
  } satisfies RouteTable;
}
