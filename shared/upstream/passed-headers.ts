/** Headers sent on to the deployment: they join its logs and traces to the caller's, and hold no secret. */
const REQUEST_HEADERS = ['x-ms-client-request-id', 'traceparent', 'tracestate'];

/** Headers of Azure OpenAI's answers that clients read: limits, retry times and ids for support. */
const ANSWER_HEADERS = new Set([
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'apim-request-id',
  'x-request-id',
  'x-ms-region',
  'x-ms-client-request-id',
  'x-ms-deployment-name',
  'azureml-model-session',
  'openai-processing-ms',
]);
const RATE_LIMITS = 'x-ratelimit-';

type Headers = Record<string, string>;

export function passRequestHeaders(header: (name: string) => string | null): Headers {
  const passed: Headers = {};
  for (const name of REQUEST_HEADERS) {
    const value = header(name);
    if (value !== null) passed[name] = value;
  }
  return passed;
}

export function passAnswerHeaders(headers: Readonly<Headers>): Headers {
  const passed: Headers = {};
  for (const name in headers) {
    const value = headers[name];
    const isPassed = ANSWER_HEADERS.has(name) || name.startsWith(RATE_LIMITS);
    if (isPassed && value !== undefined) passed[name] = value;
  }
  // OpenAI's clients read their request id only from this header.
  const apimRequestId = headers['apim-request-id'];
  if (apimRequestId !== undefined) passed['x-request-id'] ??= apimRequestId;
  return passed;
}
