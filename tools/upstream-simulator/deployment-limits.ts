import {
  contextLengthExceeded,
  invalidRequest,
  listOf,
  unknownRole,
  unrecognizedArguments,
  unsupportedParameter,
} from './azure-error.ts';
import type { ChatRequest } from './chat-request.ts';
import type { SimulatedDeployment } from './simulated-deployment.ts';

/** The values of `reasoning_effort` that gpt-5.6 accepts. */
const EFFORTS = ['none', 'low', 'medium', 'high', 'xhigh'];

/** Throws the 400 of a deployment that cannot take this request. */
export function checkDeploymentLimits(limits: {
  readonly deployment: SimulatedDeployment;
  readonly request: ChatRequest;
  readonly promptTokens: number;
}): void {
  const { deployment, request, promptTokens } = limits;
  checkKnownParameters(deployment, request);
  checkOutput(deployment, request);
  const { contextTokens } = deployment;
  if (contextTokens !== undefined && promptTokens > contextTokens) {
    throw contextLengthExceeded({
      contextTokens,
      requestedTokens: promptTokens,
      param: 'messages',
    });
  }
  if (deployment.isReasoningModel === true) checkReasoningModel(deployment.model, request);
}

function checkKnownParameters({ unknown = [] }: SimulatedDeployment, request: ChatRequest): void {
  const supplied = unknown.filter((param) => param !== 'developer' && isGiven(request[param]));
  if (supplied.length > 0) throw unrecognizedArguments(supplied);
  if (!unknown.includes('developer')) return;
  const index = request.messages.findIndex(({ role }) => role === 'developer');
  if (index !== -1) throw unknownRole(index);
}

function checkOutput({ outputTokens }: SimulatedDeployment, request: ChatRequest): void {
  for (const param of ['max_tokens', 'max_completion_tokens'] as const) {
    const asked = request[param] ?? 0;
    if (outputTokens === undefined || asked <= outputTokens) continue;
    throw invalidRequest(
      `${param} is too large: ${asked}. This model supports at most ${outputTokens} completion tokens, whereas you provided ${asked}.`,
      { param, code: 'invalid_value' },
    );
  }
}

function checkReasoningModel(model: string, request: ChatRequest): void {
  if (isGiven(request.max_tokens)) {
    throw unsupportedParameter('max_tokens', " Use 'max_completion_tokens' instead.");
  }
  if (isGiven(request.stop)) throw unsupportedParameter('stop');
  checkEffort(request.reasoning_effort);
  if (request.reasoning_effort === 'none') return;
  if (request.tools && request.tools.length > 0) {
    throw invalidRequest(
      `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.`,
      { param: 'reasoning_effort' },
    );
  }
  for (const param of ['temperature', 'top_p'] as const) {
    if (isGiven(request[param]) && request[param] !== 1) {
      throw unsupportedValue(
        param,
        `${request[param]} with this model. Only the default (1) value is supported.`,
      );
    }
  }
  for (const param of ['presence_penalty', 'frequency_penalty', 'logprobs'] as const) {
    if (request[param]) throw unsupportedParameter(param);
  }
}

function checkEffort(effort: string | null | undefined): void {
  if (effort === undefined || effort === null || EFFORTS.includes(effort)) return;
  throw unsupportedValue(
    'reasoning_effort',
    `'${effort}' with this model. Supported values are: ${listOf(EFFORTS)}.`,
  );
}

function unsupportedValue(param: string, problem: string) {
  return invalidRequest(`Unsupported value: '${param}' does not support ${problem}`, {
    param,
    code: 'unsupported_value',
  });
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
