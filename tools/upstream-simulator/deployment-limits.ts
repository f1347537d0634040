import { contextLengthExceeded, invalidRequest, unsupportedParameter } from './azure-error.ts';
import type { ChatRequest } from './chat-request.ts';
import type { SimulatedDeployment } from './simulated-deployment.ts';

/** Throws the 400 of a deployment that cannot take this request. */
export function checkDeploymentLimits(limits: {
  readonly deployment: SimulatedDeployment;
  readonly request: ChatRequest;
  readonly promptTokens: number;
}): void {
  const { deployment, request, promptTokens } = limits;
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

function checkReasoningModel(model: string, request: ChatRequest): void {
  if (isGiven(request.max_tokens)) {
    throw unsupportedParameter('max_tokens', " Use 'max_completion_tokens' instead.");
  }
  if (request.reasoning_effort === 'none') return;
  if (request.tools && request.tools.length > 0) {
    throw invalidRequest(
      `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.`,
      { param: 'reasoning_effort' },
    );
  }
  for (const param of ['temperature', 'top_p'] as const) {
    if (isGiven(request[param]) && request[param] !== 1) {
      throw invalidRequest(
        `Unsupported value: '${param}' does not support ${request[param]} with this model. Only the default (1) value is supported.`,
        { param, code: 'unsupported_value' },
      );
    }
  }
  for (const param of ['presence_penalty', 'frequency_penalty', 'logprobs'] as const) {
    if (request[param]) throw unsupportedParameter(param);
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
