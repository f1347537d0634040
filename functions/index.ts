import { app, type HttpMethod } from '@azure/functions';
import { type Call, jsonAnswer } from '../shared/answer.ts';
import { mayCall } from '../shared/caller.ts';
import { loadConfig } from '../shared/config.ts';
import { HttpError } from '../shared/errors.ts';
import { createLog } from '../shared/log.ts';
import type { OperationId } from '../shared/openapi/operations.ts';
import { letsNobodyIn } from '../shared/read-access.ts';
import { createServices, enabledUpstreams } from './create-services.ts';
import { createDashboard } from './dashboard-files.ts';
import { entryRoutes, type RouteEntry } from './entry-routes.ts';
import { createAuthenticate } from './http/authenticate.ts';
import { createCalls } from './http/calls.ts';
import { watchConnections } from './http/connections.ts';
import { createRespond } from './http/respond.ts';
import { shutDown } from './http/shut-down.ts';
import { answerUnclaimed } from './http/unclaimed-requests.ts';
import { threadRoutes } from './thread-routes.ts';
import { vectorStoreRoutes } from './vector-store-routes.ts';

// Reads the settings, has everything built, and is the route table. What is wrong with the settings
// or the scorer ends the start here, before a request is taken.
const config = await loadConfig();
const log = createLog(config.logLevel);
const services = await createServices(config, log);
const { registry, embedding } = services;

const chat = { access: 'key', hasBody: true, handle: services.completeChat } as const;
const dashboard = createDashboard(new URL('dashboard/', import.meta.url));
const embeddings = { access: 'key', hasBody: true, handle: services.passEmbeddings } as const;

/**
 * The host tries routes in the order of these names, and takes the first that fits. Each is
 * described under its name in `shared/openapi/operations.ts`.
 */
const routes: Record<OperationId, RouteEntry> = {
  health: { path: 'health', method: 'GET', access: 'open', handle: health },
  ready: { path: 'ready', method: 'GET', access: 'open', handle: ready },
  openapi: { path: 'openapi.json', method: 'GET', access: 'open', handle: openapi },
  dashboard: { path: 'dashboard', method: 'GET', access: 'open', handle: dashboard.page },
  'dashboard-file': {
    path: 'dashboard/{name}',
    method: 'GET',
    access: 'open',
    param: 'name',
    handle: dashboard.file,
  },
  chat: {
    path: 'llm/openai/deployments/{deployment}/chat/completions',
    method: 'POST',
    param: 'deployment',
    ...chat,
  },
  // What an AzureOpenAI client with a `baseURL` asks.
  'chat-by-base-url': {
    path: 'llm/deployments/{deployment}/chat/completions',
    method: 'POST',
    param: 'deployment',
    ...chat,
  },
  'chat-v1': { path: 'llm/openai/v1/chat/completions', method: 'POST', ...chat },
  // What the AI SDK's `.chat()` asks, with and without `/openai` in its base address.
  'chat-ai-sdk': { path: 'llm/openai/chat/completions', method: 'POST', ...chat },
  'chat-ai-sdk-short': { path: 'llm/chat/completions', method: 'POST', ...chat },
  embeddings: {
    path: 'llm/openai/deployments/{deployment}/embeddings',
    method: 'POST',
    param: 'deployment',
    ...embeddings,
  },
  'embeddings-by-base-url': {
    path: 'llm/deployments/{deployment}/embeddings',
    method: 'POST',
    param: 'deployment',
    ...embeddings,
  },
  // What the AI SDK asks, as for chat.
  'embeddings-ai-sdk': { path: 'llm/openai/embeddings', method: 'POST', ...embeddings },
  'embeddings-ai-sdk-short': { path: 'llm/embeddings', method: 'POST', ...embeddings },
  'embeddings-v1': { path: 'llm/openai/v1/embeddings', method: 'POST', ...embeddings },
  models: { path: 'llm/openai/v1/models', method: 'GET', access: 'key', handle: listModels },
  route: {
    path: 'llm/route',
    method: 'POST',
    access: 'key',
    hasBody: true,
    handle: services.routePrompts,
  },
  ...threadRoutes(services.threads),
  ...vectorStoreRoutes(services.vectorStores),
  'list-decisions': {
    path: 'llm/decisions',
    method: 'GET',
    access: 'admin',
    handle: services.decisions.list,
  },
  'get-decision': {
    path: 'llm/decisions/{id}',
    method: 'GET',
    access: 'admin',
    param: 'id',
    handle: services.decisions.get,
  },
  stats: { path: 'llm/stats', method: 'GET', access: 'admin', handle: services.decisions.stats },
  'add-outcome': {
    path: 'llm/outcomes',
    method: 'POST',
    access: 'key',
    hasBody: true,
    handle: services.decisions.addOutcome,
  },
  ...entryRoutes('deployment', 'llm/deployments', registry.deployments),
  ...entryRoutes('use-case', 'llm/use-cases', registry.useCases),
};

const OTHER_METHODS: HttpMethod[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

app.setup({ enableHttpStream: true });
const calls = createCalls({
  ...config.limits,
  findConnection: answerUnclaimed(watchConnections(), log),
  log,
});
const respond = createRespond({
  calls,
  createRequestId: services.createRequestId,
  authenticate: createAuthenticate(config.access),
  ...config.limits,
  telemetry: services.telemetry,
  log,
});
// Where nobody may call yet, nothing but the health check answers.
const isClosed = letsNobodyIn(config.access);
for (const [name, { method, ...route }] of Object.entries(routes)) {
  const access = isClosed && name !== 'health' && route.access === 'open' ? 'key' : route.access;
  app.http(name, {
    route: route.path,
    methods: [method],
    authLevel: config.access.hostChecksKey && access !== 'open' ? 'function' : 'anonymous',
    handler: respond({ ...route, access }),
  });
}
// Its name sorts behind all others.
app.http('zz-not-found', {
  route: 'llm/{*rest}',
  methods: OTHER_METHODS,
  authLevel: 'anonymous',
  handler: respond({ path: 'llm/{*rest}', access: isClosed ? 'key' : 'open', handle: notFound }),
});
// One instance at a time, at the hour that PURGE_SCHEDULE names.
app.timer('purge-expired', {
  schedule: config.registry.purgeSchedule,
  handler: () => services.purgeExpired(),
});
// Nothing waits for it: a request that comes first does what is left of it itself.
app.hook.appStart(() => services.warm());
app.hook.appTerminate(() => shutDown({ calls, log, ...services }));

function health() {
  return jsonAnswer(200, { status: 'online' });
}

async function ready() {
  const readiness = await services.checkReadiness();
  return jsonAnswer(readiness.status === 'unavailable' ? 503 : 200, readiness);
}

async function openapi() {
  // Few ask for it: it is not read at the start.
  const { default: document } = await import('../docs/openapi.json', { with: { type: 'json' } });
  return jsonAnswer(200, document);
}

function listModels({ caller }: Call) {
  const callable = [...enabledUpstreams(registry), ...(embedding ? [embedding] : [])];
  const names = callable.map(({ deployment }) => deployment.name);
  const ids = ['smart-router', ...names.filter((name) => mayCall(caller, name))];
  const data = ids.map((id) => ({ id, object: 'model', created: 0, owned_by: 'smart-router' }));
  return jsonAnswer(200, { object: 'list', data });
}

function notFound(): never {
  const known = Object.values(routes).map(({ method, path }) => `${method} /${path}`);
  throw new HttpError(
    `There is no such route. There are: ${known.join(', ')}. Clients that ask /responses by default have a way to ask for chat completions, such as .chat() in the AI SDK.`,
    { status: 404, code: 'not_found' },
  );
}
