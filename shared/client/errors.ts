import { readRequestId } from './routing-facts.ts';

/**
 * The failure of a call, of one of three kinds, told apart by `kind` or class. An abort by the
 * caller is not one of them: the signal's own reason is thrown.
 */
export abstract class RouterError extends Error {
  /** `response`: an error as the answer; `connection`: no complete answer; `timeout`: too late. */
  abstract readonly kind: 'response' | 'connection' | 'timeout';
}

type ResponseFacts = {
  readonly status: number;
  readonly code?: string | null;
  readonly type?: string | null;
  readonly param?: string | null;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
};

/** The answer is an error, or does not come from a Smart Router. */
export class RouterResponseError extends RouterError {
  override readonly name = 'RouterResponseError';
  readonly kind = 'response';
  /** The status of the answer; 200 when the error came inside a stream. */
  readonly status: number;
  /** The field of OpenAI's error body; null when it is missing, as with the next two. */
  readonly code: string | null;
  readonly type: string | null;
  readonly param: string | null;
  readonly requestId: string | undefined;
  /** The wait that the router asks for. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, facts: ResponseFacts) {
    super(message);
    this.status = facts.status;
    this.code = facts.code ?? null;
    this.type = facts.type ?? null;
    this.param = facts.param ?? null;
    this.requestId = facts.requestId;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** No answer came, or the connection broke before its end. */
export class RouterConnectionError extends RouterError {
  override readonly name = 'RouterConnectionError';
  readonly kind = 'connection';
  /** The id of the call; known once the answer has begun. */
  readonly requestId: string | undefined;

  constructor(message: string, options: { requestId?: string | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.requestId = options.requestId;
  }
}

/** The answer, or the next part of it, did not come within `timeoutMs`. */
export class RouterTimeoutError extends RouterError {
  override readonly name = 'RouterTimeoutError';
  readonly kind = 'timeout';
  readonly timeoutMs: number;

  constructor(message: string, timeoutMs: number) {
    super(message);
    this.timeoutMs = timeoutMs;
  }
}

/** Creates the error of an answer whose status is not 2xx. */
export function toResponseError(response: Response, text: string): RouterResponseError {
  const { status, headers } = response;
  const body = readErrorBody(parseJson(text));
  return new RouterResponseError(
    `The router answered ${status}: ${body?.message ?? adviceFor(status)}`,
    {
      ...body,
      status,
      requestId: readRequestId(headers),
      retryAfterMs: readRetryAfterMs(headers, Date.now()),
    },
  );
}

/** Returns the error in an event of a stream; undefined for any other event. */
export function findStreamError(
  event: unknown,
  response: Response,
): RouterResponseError | undefined {
  const { error } = isRecord(event) ? event : {};
  if (!isRecord(error)) return undefined;
  const body = readErrorBody(event);
  return new RouterResponseError(
    `The stream broke off with an error, so the answer is incomplete: ${body?.message ?? 'the router gave no reason'}`,
    { ...body, status: response.status, requestId: readRequestId(response.headers) },
  );
}

/** Creates the error of a 2xx answer that no Smart Router sends. Never quotes the answer. */
export function createForeignAnswerError(response: Response, what: string): RouterResponseError {
  const { status, headers } = response;
  return new RouterResponseError(
    `The answer with status ${status} and content type ${headers.get('content-type') ?? 'unknown'} is not ${what}: check that baseUrl is the address of a Smart Router, without /llm.`,
    { status, requestId: readRequestId(headers) },
  );
}

/** Returns the value of a JSON text; undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads OpenAI's error body, or API Management's, which has the message at its top level. */
function readErrorBody(body: unknown) {
  if (!isRecord(body)) return undefined;
  const { error } = body;
  const fields = isRecord(error) ? error : body;
  const text = (field: string) => {
    const value = fields[field];
    return typeof value === 'string' ? value : undefined;
  };
  const message = text('message');
  if (message === undefined) return undefined;
  return {
    message,
    code: text('code') ?? null,
    type: text('type') ?? null,
    param: text('param') ?? null,
  };
}

/**
 * Returns advice for an answer without a message: most come from something in front of the router.
 */
function adviceFor(status: number): string {
  // A redirect that the browser hides has the status 0.
  if (status < 400) {
    return 'it redirects to another address, which is not followed, so that the key goes nowhere else. Set baseUrl to the final address.';
  }
  if (status === 401 || status === 403) return 'check apiKey or bearerToken.';
  if (status === 404) return 'check baseUrl, which is the address without /llm.';
  if (status === 408 || status === 429 || status >= 500) {
    return 'it may be busy or starting. Try again later.';
  }
  return 'it gave no reason. Check the proxies and gateways between this client and the router.';
}

/** Reads Azure's `retry-after-ms`, else `retry-after` in seconds or as a date (RFC 9110 10.2.3). */
function readRetryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const candidates = [
    Number.parseFloat(headers.get('retry-after-ms') ?? ''),
    Number.parseFloat(headers.get('retry-after') ?? '') * 1000,
    Date.parse(headers.get('retry-after') ?? '') - nowMs,
  ];
  const delayMs = candidates.find((candidate) => Number.isFinite(candidate));
  return delayMs === undefined ? undefined : Math.max(0, delayMs);
}
