import { app, type HttpMethod } from '@azure/functions';
import { type Answer, type Call, jsonAnswer } from '../shared/answer.ts';
import { createBackground } from '../shared/background.ts';
import { mayCall } from '../shared/caller.ts';
import { createCompleteChat } from '../shared/chat/complete-chat.ts';
import { loadConfig } from '../shared/config.ts';
import { createController } from '../shared/controller.ts';
import { HttpError } from '../shared/errors.ts';
import { createLog, errorKind } from '../shared/log.ts';
import { createFindQuantiles } from '../shared/matrix-factorization/calibrate-models.ts';
import { loadHeldOutScores } from '../shared/matrix-factorization/held-out-scores.ts';
import { load } from '../shared/matrix-factorization/scorer.ts';
import { findScorerModel } from '../shared/matrix-factorization/scorer-choice.ts';
import type { OperationId } from '../shared/openapi/operations.ts';
import { createPassEmbeddings } from '../shared/pass-embeddings.ts';
import { createEmbedding } from '../shared/prompt-embedding/create-embedding.ts';
import { createRateLimits } from '../shared/rate-limits.ts';
import { letsNobodyIn } from '../shared/read-access.ts';
import { createReadiness } from '../shared/readiness.ts';
import { createFleetKeeper } from '../shared/registry/create-fleet.ts';
import { createRoutePrompts } from '../shared/route-prompts.ts';
import { createAllowedHosts } from '../shared/upstream/allowed-hosts.ts';
import { needsToken } from '../shared/upstream/deployment.ts';
import { createAzureCredential, createTokenProvider } from '../shared/upstream/entra-token.ts';
import { createUpstreams } from '../shared/upstream/upstream.ts';
import { createFindPolicy } from '../shared/use-case-policy.ts';
import { createAuthenticate } from './http/authenticate.ts';
import { createCalls } from './http/calls.ts';
import { watchConnections } from './http/connections.ts';
import { createRespond, type Route } from './http/respond.ts';
import { shutDown } from './http/shut-down.ts';
import { answerUnclaimed } from './http/unclaimed-requests.ts';

// The composition root: reads the settings, builds everything, and is the route table. What is
// wrong with the settings or the scorer ends the start here, before a request is taken.
const config = await loadConfig();
const log = createLog(config.logLevel);
const background = createBackground((error) =>
  log('warning', 'background-work-failed', { error: errorKind(error) }),
);
const loadCredential = createAzureCredential();
const getToken = createTokenProvider(loadCredential);
const configured = [config.strong, config.weak, ...(config.embedding ? [config.embedding] : [])];
const checkEndpoint = createAllowedHosts({
  endpoints: configured.map(({ endpoint }) => endpoint),
  allowed: config.allowedHosts,
});
const createUpstream = createUpstreams(getToken, { ...config.limits, checkEndpoint });

const embedding = config.embedding && createUpstream(config.embedding);
const { entry, pair, calibration } = config.scorer;
// At once: the word vectors are read while the scorer is made ready.
const [{ getPromptEmbedding, embeddingCircuit, probeTables, warm }, scorer, heldOutScores] =
  await Promise.all([
    createEmbedding({
      config,
      dimensions: entry.dimensions,
      getToken,
      loadCredential,
      background,
      log,
    }),
    load(entry, config.modelsFolder),
    loadHeldOutScores(entry, config.modelsFolder),
  ]);
const { current: getFleet } = createFleetKeeper({
  settings: [
    { tier: 'strong', deployment: config.strong, scorerModel: pair.strong },
    { tier: 'weak', deployment: config.weak, scorerModel: pair.weak },
  ],
  createUpstream,
  resolve: () => Promise.reject(new Error('not yet')),
  findScorerModel: (name, { model, scorer_model }) =>
    scorer_model === null ? undefined : findScorerModel(entry, scorer_model ?? model ?? name),
  strengthOf: heldOutScores?.mean,
});
const controller = createController({
  scorer,
  findQuantiles: createFindQuantiles({ calibration, heldOutScores }),
  policy: config.policy,
  outOfDistributionTier: config.policy.outOfDistributionTier,
  embeddingFailureTier: config.policy.embeddingFailureTier,
  getPromptEmbedding,
  log,
});

const findPolicy = createFindPolicy(() => 0);
const rateLimits = createRateLimits(config.rateLimits);
const { countTokens } = rateLimits;
const completeChat = createCompleteChat({
  controller,
  getFleet,
  findPolicy,
  ...config.limits,
  countTokens,
  spend: () => undefined,
  log,
});
const passEmbeddings = createPassEmbeddings({
  ...(embedding && { upstream: embedding }),
  ...config.limits,
  countTokens,
});
const routePrompts = createRoutePrompts({
  controller,
  getFleet,
  findPolicy,
  scorer: scorer.name,
  ...(calibration && { calibration: calibration.name }),
});
const checkReadiness = createReadiness({
  scorer: scorer.name,
  embedder: entry.embedder,
  ...(probeTables && { probeTables }),
  // The local embedder answers always; another one is a deployment that may be down.
  ...(embedding && !config.isLocalEmbedder && { embedding }),
  ...(embeddingCircuit && { embeddingCircuit }),
  getDeployments: () => getFleet().members.map(({ upstream }) => upstream),
});

const chat = { access: 'key', hasBody: true, handle: limited(completeChat) } as const;
const embeddings = { access: 'key', hasBody: true, handle: limited(passEmbeddings) } as const;

type RouteEntry = Route & { readonly path: string; readonly method: HttpMethod };

/**
 * The host tries routes in the order of these names, and takes the first that fits. Each is
 * described under its name in `shared/openapi/operations.ts`.
 */
const routes: Record<OperationId, RouteEntry> = {
  health: { path: 'health', method: 'GET', access: 'open', handle: health },
  ready: { path: 'ready', method: 'GET', access: 'open', handle: ready },
  openapi: { path: 'openapi.json', method: 'GET', access: 'open', handle: openapi },
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
    handle: limited(routePrompts),
  },
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
  authenticate: createAuthenticate(config.access),
  ...config.limits,
  log,
});
// Where nobody may call yet, nothing but the health check answers.
const isClosed = letsNobodyIn(config.access);
for (const [name, { path, method, ...route }] of Object.entries(routes)) {
  const access = isClosed && name !== 'health' && route.access === 'open' ? 'key' : route.access;
  app.http(name, {
    route: path,
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
  handler: respond({ access: isClosed ? 'key' : 'open', handle: notFound }),
});
// Nothing waits for it: a request that comes first does what is left of it itself.
app.hook.appStart(() => {
  background.run(warm());
  if ([config.strong, config.weak].some(needsToken)) background.run(getToken());
});
app.hook.appTerminate(() => shutDown({ calls, background, log }));

/** A route whose calls count against the limits of its caller and its use case. */
function limited(handle: (call: Call) => Promise<Answer>): (call: Call) => Promise<Answer> {
  return async (call) => {
    rateLimits.admit(call);
    return handle(call);
  };
}

function health() {
  return jsonAnswer(200, { status: 'online' });
}

async function ready() {
  const readiness = await checkReadiness();
  return jsonAnswer(readiness.status === 'unavailable' ? 503 : 200, readiness);
}

async function openapi() {
  // Few ask for it: it is not read at the start.
  const { default: document } = await import('../docs/openapi.json', { with: { type: 'json' } });
  return jsonAnswer(200, document);
}

function listModels({ caller }: Call) {
  const enabled = getFleet().members.filter(({ isEnabled }) => isEnabled);
  const named = [...enabled.map(({ upstream }) => upstream), ...(embedding ? [embedding] : [])];
  const names = named.map(({ deployment }) => deployment.name);
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
