import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { combineForms, formHeaders } from './answer-forms.ts';
import { AzureError, deploymentNotFound, invalidKey, invalidRequest } from './azure-error.ts';
import { composeAnswers, estimatePromptTokens } from './chat-answer.ts';
import { completionBody, completionUsage, createIdentity } from './chat-completion.ts';
import { chatFrames } from './chat-frames.ts';
import { newestUserText, parseChatRequest } from './chat-request.ts';
import { checkDeploymentLimits } from './deployment-limits.ts';
import { embeddingsBody, inputText, parseEmbeddingRequest } from './embeddings.ts';
import { breakOff, type Exchange, pause, readJsonBody, sendFrames, sendJson } from './exchange.ts';
import type { FaultPlan, FaultPlanner } from './fault-plan.ts';
import { modelsBody } from './models-list.ts';
import { provokedError } from './provoked-error.ts';
import { refuseField } from './refused-field.ts';
import type { RequestEntry } from './request-log.ts';
import { responseHeaders } from './response-headers.ts';
import type { SimulatedDeployment } from './simulated-deployment.ts';
import { parseTarget, type Target } from './target.ts';

export type AnswerSettings = {
  readonly deployments: readonly SimulatedDeployment[];
  readonly apiKey: string | undefined;
  readonly delayMs: number;
  readonly chunkDelayMs: number;
  readonly planner: FaultPlanner;
};

type Call = {
  readonly settings: AnswerSettings;
  readonly exchange: Exchange;
  readonly deployment: SimulatedDeployment;
  readonly body: unknown;
};

const SSE = 'text/event-stream; charset=utf-8';

/** Answers one request, errors included; throws only when the connection is gone. */
export async function answerRequest(
  settings: AnswerSettings,
  exchange: Exchange,
  entry: RequestEntry,
): Promise<void> {
  const { socket } = exchange.request;
  exchange.response.once('finish', () => servedConnections.add(socket));
  try {
    await answer(settings, exchange, entry);
  } catch (error) {
    if (exchange.signal.aborted || exchange.response.headersSent) throw error;
    const { status, headers, body } = toAnswer(error);
    const deployment = settings.deployments.find(({ name }) => name === entry.deployment);
    const allHeaders = { ...headersFor(exchange, deployment), ...headers };
    await sendJson(exchange, { status, headers: allHeaders, body });
  }
}

async function answer(
  settings: AnswerSettings,
  exchange: Exchange,
  entry: RequestEntry,
): Promise<void> {
  const target = parseTarget(entry.method, exchange.url);
  entry.deployment = target.deployment;
  authenticate(exchange.request.headers, settings.apiKey);
  if (target.operation === 'models') {
    const body = modelsBody(settings.deployments, target.style);
    return sendJson(exchange, { status: 200, headers: headersFor(exchange), body });
  }
  const body = await readJsonBody(exchange);
  entry.body = body;
  entry.deployment ??= parseModel(body);
  const deployment = parseDeployment(settings.deployments, entry.deployment, target.operation);
  const call = { settings, exchange, deployment, body };
  return deployment.kind === 'chat' ? answerChat(call) : answerEmbeddings(call);
}

async function answerChat(call: Call): Promise<void> {
  const { settings, exchange, deployment, body } = call;
  const request = parseChatRequest(body);
  const promptTokens = estimatePromptTokens(request);
  const plan = settings.planner.plan(newestUserText(request.messages), deployment);
  if (await appliesBeforeAnswer(call, plan)) return;
  checkDeploymentLimits({ deployment, request, promptTokens });
  const completion = {
    identity: createIdentity(deployment),
    request,
    answers: composeAnswers({ deployment, request, plan }),
    promptTokens,
    hidesReasoning: plan.hidesReasoning === true,
  };
  const form = combineForms(plan.forms);
  if (!request.stream || form.isWhole) return sendBody(call, plan, completionBody(completion));
  await sendFrames(exchange, {
    frames: form.frames(chatFrames(completion), completionUsage(completion)),
    form,
    headers: formHeaders(headersFor(exchange, deployment, SSE), form),
    chunkDelayMs: plan.chunks?.delayMs ?? deployment.chunkDelayMs ?? settings.chunkDelayMs,
    silenceMs: plan.silenceMs ?? 0,
    interruption: plan.interruption,
  });
}

async function answerEmbeddings(call: Call): Promise<void> {
  const request = parseEmbeddingRequest(call.body);
  const plan = call.settings.planner.plan(inputText(request), call.deployment);
  if (await appliesBeforeAnswer(call, plan)) return;
  await sendBody(call, plan, embeddingsBody(request, call.deployment));
}

async function sendBody(call: Call, plan: FaultPlan, body: object): Promise<void> {
  const { exchange, deployment } = call;
  const { interruption } = plan;
  if (interruption?.kind === 'error_event') throw provokedError({ kind: '500' }, deployment);
  const form = combineForms(plan.forms);
  await sendJson(exchange, {
    status: 200,
    headers: formHeaders(headersFor(exchange, deployment), form),
    body: form.body(body),
    encoding: form.encoding,
    interruption,
  });
}

const servedConnections = new WeakSet<Socket>();

/** Whether another request was answered on the same connection. */
function hasServed({ request: { socket } }: Exchange): boolean {
  return servedConnections.has(socket);
}

/** Waits, fails or breaks off as planned; returns true when nothing is left to answer. */
async function appliesBeforeAnswer(call: Call, plan: FaultPlan): Promise<boolean> {
  const { settings, exchange, deployment } = call;
  if (plan.isStale && hasServed(exchange)) {
    exchange.request.socket.resetAndDestroy();
    return true;
  }
  await pause(plan.delayMs ?? deployment.delayMs ?? settings.delayMs, exchange.signal);
  if (plan.error !== undefined) throw provokedError(plan.error, deployment);
  if (plan.refused !== undefined) refuseField(call.body, plan.refused);
  const { interruption } = plan;
  if (interruption?.afterChunks !== 0 || interruption.kind === 'error_event') return false;
  await breakOff(exchange, interruption.kind);
  return true;
}

function headersFor(
  { request }: Exchange,
  deployment?: SimulatedDeployment,
  contentType = 'application/json',
): Record<string, string> {
  const id = request.headers['x-ms-client-request-id'];
  const clientRequestId = typeof id === 'string' ? id : undefined;
  return responseHeaders({ contentType, clientRequestId, deployment });
}

function toAnswer(error: unknown) {
  // Any other error is a mistake in the simulator, which must not pass for a simulated fault.
  const shown =
    error instanceof AzureError
      ? error
      : new AzureError(`The simulator failed: ${error}`, { status: 500, code: 'SimulatorFailed' });
  return { status: shown.status, headers: shown.headers, body: shown.body() };
}

function authenticate(headers: IncomingHttpHeaders, apiKey: string | undefined): void {
  if (apiKey === undefined || headers['api-key'] === apiKey) return;
  if (headers.authorization !== `Bearer ${apiKey}`) throw invalidKey();
}

function parseModel(body: unknown): string {
  const model =
    typeof body === 'object' && body !== null && 'model' in body ? body.model : undefined;
  if (typeof model === 'string' && model !== '') return model;
  throw invalidRequest("Missing required parameter: 'model'.", {
    param: 'model',
    code: 'missing_required_parameter',
  });
}

function parseDeployment(
  deployments: readonly SimulatedDeployment[],
  name: string,
  operation: Target['operation'],
): SimulatedDeployment {
  const deployment = deployments.find((candidate) => candidate.name === name);
  if (deployment === undefined) throw deploymentNotFound();
  const kind = operation === 'embeddings' ? 'embeddings' : 'chat';
  if (deployment.kind === kind) return deployment;
  const action = kind === 'chat' ? 'chatCompletion' : 'embeddings';
  throw new AzureError(
    `The ${action} operation does not work with the specified model, ${deployment.model}. Please choose different model and try again.`,
    { status: 400, code: 'OperationNotSupported' },
  );
}
