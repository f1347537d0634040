import type { HttpMethod } from '@azure/functions';
import type { Operation } from '../../shared/openapi/operation.ts';
import { type OperationId, operations } from '../../shared/openapi/operations.ts';
import type { RouteServices } from '../build/create-services.ts';
import type { Route } from '../http/respond.ts';
import { createDashboard } from './dashboard-files.ts';
import { createServiceHandlers } from './service-handlers.ts';

export type RouteWithMethod = Route & { readonly method: HttpMethod };

/** The routes of `shared/openapi/operations.ts` with their handlers. `home` is the folder of the built app. */
export function createRoutes(
  services: RouteServices,
  home: URL,
): Readonly<Record<string, RouteWithMethod>> {
  const handlers = handlersOf(services, home);
  const routes = Object.entries<Operation>(operations).map(([id, operation]) => {
    const { method, path, access, body } = operation;
    const handle = handlers[id as OperationId];
    return [id, { method, path: path.slice(1), access, ...(body && { body }), handle }] as const;
  });
  return Object.fromEntries(routes);
}

function handlersOf(services: RouteServices, home: URL): Record<OperationId, Route['handle']> {
  const { completeChat, passEmbeddings, routePrompts } = services.handlers;
  const { deployments, useCases } = services.registry;
  const threads = services.kept.threads.handlers;
  const vectorStores = services.kept.vectorStores.handlers;
  const decisions = services.kept.decisions.handlers;
  const service = createServiceHandlers(services);
  const { models, model } = service;
  const { page, file } = createDashboard(new URL('dashboard/', home));
  return {
    ...service,
    dashboard: page,
    'dashboard-file': file,
    chat: completeChat,
    'chat-by-base-url': completeChat,
    'chat-v1': completeChat,
    'chat-ai-sdk': completeChat,
    'chat-ai-sdk-short': completeChat,
    embeddings: passEmbeddings,
    'embeddings-by-base-url': passEmbeddings,
    'embeddings-ai-sdk': passEmbeddings,
    'embeddings-ai-sdk-short': passEmbeddings,
    'embeddings-v1': passEmbeddings,
    'models-ai-sdk': models,
    'models-ai-sdk-short': models,
    'model-ai-sdk': model,
    'model-ai-sdk-short': model,
    route: routePrompts,
    'create-thread': threads.create,
    'list-threads': threads.list,
    'get-thread': threads.get,
    'delete-thread': threads.remove,
    'list-messages': threads.messages,
    'add-message': threads.append,
    'list-decisions': decisions.list,
    'get-decision': decisions.get,
    stats: decisions.stats,
    'add-outcome': decisions.addOutcome,
    'create-vector-store': vectorStores.create,
    'list-vector-stores': vectorStores.list,
    'get-vector-store': vectorStores.get,
    'update-vector-store': vectorStores.update,
    'delete-vector-store': vectorStores.remove,
    'search-vector-store': vectorStores.search,
    'add-embeddings': vectorStores.add,
    'get-embedding': vectorStores.getItem,
    'delete-embedding': vectorStores.removeItem,
    'list-deployments': deployments.list,
    'get-deployment': deployments.get,
    'put-deployment': deployments.put,
    'patch-deployment': deployments.patch,
    'delete-deployment': deployments.remove,
    'deployment-history': deployments.history,
    'rollback-deployment': deployments.rollback,
    'list-use-cases': useCases.list,
    'get-use-case': useCases.get,
    'put-use-case': useCases.put,
    'patch-use-case': useCases.patch,
    'delete-use-case': useCases.remove,
    'use-case-history': useCases.history,
    'rollback-use-case': useCases.rollback,
  };
}
