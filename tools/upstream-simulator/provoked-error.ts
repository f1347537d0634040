import {
  AzureError,
  contextLengthExceeded,
  deploymentNotFound,
  invalidKey,
  unsupportedParameter,
} from './azure-error.ts';
import { FILTERED_CONTENT } from './content-filter.ts';
import type { SimulatedDeployment } from './simulated-deployment.ts';

// The time is short enough for a client that retries automatically to do so within a test.
const DEFAULT_RETRY_AFTER_MS = 50;

export const ERROR_KINDS = [
  '401',
  '403',
  '404',
  '408',
  '410',
  '429',
  'apim_429',
  '500',
  '503',
  'content_filter',
  'context_length',
  'too_long',
  'unsupported_parameter',
] as const;

export type ErrorKind = (typeof ERROR_KINDS)[number];

export type ProvokedError = {
  readonly kind: ErrorKind;
  readonly retryAfterMs?: number | undefined;
};

/** Returns the error that a marker asks for, worded as this deployment would word it. */
export function provokedError(
  { kind, retryAfterMs = DEFAULT_RETRY_AFTER_MS }: ProvokedError,
  deployment: SimulatedDeployment,
): AzureError {
  switch (kind) {
    case '401':
      return invalidKey();
    case '404':
      return deploymentNotFound();
    case '429':
      return rateLimited(deployment, retryAfterMs);
    case 'apim_429':
      return quotaExceeded(retryAfterMs);
    case 'content_filter':
      return promptFiltered();
    case 'context_length':
      return contextLengthExceeded({
        contextTokens: 128_000,
        requestedTokens: 130_000,
        param: deployment.kind === 'chat' ? 'messages' : 'input',
      });
    case 'too_long':
      return promptTooLong();
    case 'unsupported_parameter':
      return unsupportedParameter('max_tokens', " Use 'max_completion_tokens' instead.");
    case '403':
    case '408':
    case '410':
    case '500':
    case '503':
      return gatewayError(kind);
  }
}

const GATEWAY_ERRORS = {
  '403': {
    code: 'AuthenticationTypeDisabled',
    message: 'Key based authentication is disabled for this resource.',
  },
  '408': { code: 'Timeout', message: 'The operation was timeout.' },
  '410': { code: '410', message: 'The model of this deployment has been retired.' },
  '500': { code: 'InternalServerError', message: 'Internal server error' },
  '503': {
    code: 'ServiceUnavailable',
    message: 'The service is temporarily unable to process your request. Please try again later.',
  },
} as const;

function gatewayError(kind: keyof typeof GATEWAY_ERRORS): AzureError {
  const { code, message } = GATEWAY_ERRORS[kind];
  return new AzureError(message, { status: Number(kind), code });
}

function rateLimited(deployment: SimulatedDeployment, retryAfterMs: number): AzureError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const operation = deployment.kind === 'chat' ? 'ChatCompletions_Create' : 'Embeddings_Create';
  return new AzureError(
    `Requests to the ${operation} Operation under Azure OpenAI API have exceeded token rate limit of your current pricing tier. Please retry after ${seconds} seconds.`,
    {
      status: 429,
      code: '429',
      headers: {
        'retry-after': String(seconds),
        'retry-after-ms': String(retryAfterMs),
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-remaining-tokens': '0',
      },
    },
  );
}

/** The rate limit of a policy of Azure API Management. */
function quotaExceeded(retryAfterMs: number): AzureError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const message = `Rate limit is exceeded. Try again in ${seconds} seconds.`;
  return new AzureError(message, {
    status: 429,
    code: '429',
    headers: { 'retry-after': String(seconds) },
    body: { statusCode: 429, message },
  });
}

/** A prompt beyond the context window in the words of vLLM, whose code is the status. */
function promptTooLong(): AzureError {
  const message =
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens in the messages. Please reduce the length of the messages.";
  const body = { object: 'error', message, type: 'BadRequestError', param: null, code: 400 };
  return new AzureError(message, { status: 400, code: null, body });
}

function promptFiltered(): AzureError {
  return new AzureError(
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
    {
      status: 400,
      type: null,
      param: 'prompt',
      code: 'content_filter',
      details: {
        status: 400,
        innererror: {
          code: 'ResponsibleAIPolicyViolation',
          content_filter_result: {
            ...FILTERED_CONTENT,
            jailbreak: { filtered: false, detected: false },
          },
        },
      },
    },
  );
}
