import type { ChatCompletion, ChatCompletionStream, ChatRequest } from './chat-completion.ts';
import { createForeignAnswerError, isRecord, parseJson } from './errors.ts';
import { readRoutingFacts } from './routing-facts.ts';
import { createChatCompletionStream } from './stream.ts';
import { CallClock, type Fetch, readText, send } from './transport.ts';

export type * from './chat-completion.ts';
// biome-ignore lint/performance/noBarrelFile: this is the entry of a package, whose users need the error classes.
export {
  RouterConnectionError,
  RouterError,
  RouterResponseError,
  RouterTimeoutError,
} from './errors.ts';
export type { Fetch } from './transport.ts';

const API_VERSION = '2024-10-21';

/** Above the 230 s after which Azure's load balancer gives up, so that the router's error arrives. */
const DEFAULT_TIMEOUT_MS = 240_000;
const DEFAULT_MAX_RETRIES = 2;

/** A health check asks whether the router is there now; long enough for a cold start. */
const DEFAULT_HEALTH_TIMEOUT_MS = 10_000;

/** A secret, or a function that gives it and is asked before each attempt. */
export type Credential = string | (() => string | Promise<string>);

export type SmartRouterClientOptions = {
  /** Where the router or its front door is, such as `https://my-router.azurewebsites.net`. */
  readonly baseUrl: string;
  /** Sent as `api-key`. Give this or `bearerToken`. */
  readonly apiKey?: Credential | undefined;
  /** Sent as `Authorization: Bearer`: an Entra ID token, best as a function. */
  readonly bearerToken?: Credential | undefined;
  /** Sent as `X-USE_CASE`: the kind of work, by which policies and figures are kept. */
  readonly useCase?: string | undefined;
  /**
   * Default 240,000; `Infinity` is no limit. The time of a whole call, retries included. For a
   * stream, the time until it begins, and then the longest gap between bytes.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Default 2. Only when no answer came or its status is 408, 429 or 5xx, after the time that
   * `retry-after-ms` or `retry-after` asks for; never once an answer has begun.
   */
  readonly maxRetries?: number | undefined;
  /** Default: the platform's. */
  readonly fetch?: Fetch | undefined;
  /** Sent with each request, such as a subscription key of API Management. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

export type ChatCompletionOptions = Pick<
  SmartRouterClientOptions,
  'useCase' | 'timeoutMs' | 'maxRetries' | 'headers'
> & {
  /** Aborts the call, or the stream, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the request's `model`, else `smart-router`. Another name bypasses the router. */
  readonly deployment?: string | undefined;
};

export type HealthCheckOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Default 10,000. */
  readonly timeoutMs?: number | undefined;
};

export type Health = { readonly status: 'online' };

/**
 * Calls a Smart Router.
 *
 * Failures are a `RouterResponseError` (answered with an error), a `RouterConnectionError` (not
 * or not fully answered) or a `RouterTimeoutError` (too late), all `RouterError`.
 *
 * @example
 * ```ts
 * const client = new SmartRouterClient({ baseUrl: 'http://localhost:7071' });
 *
 * const answer = await client.chatCompletion({ prompt: 'What is the capital of France?' });
 * console.log(answer.response, answer.selected_model, answer.routing.winRate);
 *
 * const stream = await client.chatCompletion({ prompt: 'Tell me a story.', stream: true });
 * for await (const chunk of stream) console.log(chunk.choices[0]?.delta.content ?? '');
 * ```
 */
export class SmartRouterClient {
  readonly #options: SmartRouterClientOptions;
  readonly #baseUrl: string;
  readonly #fetch: Fetch;

  constructor(options: SmartRouterClientOptions) {
    if (options.apiKey !== undefined && options.bearerToken !== undefined) {
      throw new TypeError('Give apiKey or bearerToken, not both.');
    }
    checkLimits(options);
    this.#options = options;
    this.#baseUrl = parseBaseUrl(options.baseUrl);
    // Through an arrow: browsers refuse a fetch that is called as a method of another object.
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  /** Resolves when the router is up, after one attempt; throws a RouterError when it is not. */
  async healthCheck(options: HealthCheckOptions = {}): Promise<Health> {
    const { timeoutMs = DEFAULT_HEALTH_TIMEOUT_MS } = options;
    const call = { ...options, timeoutMs, method: 'GET', path: '/health', maxRetries: 0 } as const;
    const { response, clock } = await this.#send(call);
    const body = await readJson(response, clock);
    const { status } = isRecord(body) ? body : {};
    if (status === 'online') return { status };
    throw createForeignAnswerError(response, 'that of a router which is online');
  }

  /**
   * Asks for an answer. With `stream: true` it resolves once the answer begins, to its chunks.
   * Both carry `routing`, which tells who answers and why.
   */
  chatCompletion(
    request: ChatRequest & { readonly stream: true },
    options?: ChatCompletionOptions,
  ): Promise<ChatCompletionStream>;
  chatCompletion(
    request: ChatRequest & { readonly stream?: false | null },
    options?: ChatCompletionOptions,
  ): Promise<ChatCompletion>;
  chatCompletion(
    request: ChatRequest,
    options?: ChatCompletionOptions,
  ): Promise<ChatCompletion | ChatCompletionStream>;
  async chatCompletion(
    request: ChatRequest,
    options: ChatCompletionOptions = {},
  ): Promise<ChatCompletion | ChatCompletionStream> {
    const deployment = options.deployment ?? request.model ?? 'smart-router';
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const { response, clock } = await this.#send({
      ...options,
      timeoutMs,
      method: 'POST',
      path: `/llm/openai/deployments/${encodeURIComponent(deployment)}/chat/completions?api-version=${API_VERSION}`,
      body: JSON.stringify(request),
    });
    if (request.stream === true) {
      return createChatCompletionStream({ response, clock, timeoutMs });
    }
    const body = await readJson(response, clock);
    const { choices, routing: explanation } = isRecord(body) ? body : {};
    if (!Array.isArray(choices)) throw createForeignAnswerError(response, 'a chat completion');
    const routing = readRoutingFacts(response.headers, explanation);
    // The router passes on the body of the service as it is; this is its type.
    return { ...(body as ChatCompletion), routing };
  }

  async #send(
    call: ChatCompletionOptions & {
      readonly method: 'GET' | 'POST';
      readonly path: string;
      readonly timeoutMs: number;
      readonly body?: string;
    },
  ): Promise<{ response: Response; clock: CallClock }> {
    checkLimits(call);
    const { method, body, timeoutMs } = call;
    const clock = new CallClock(call.signal);
    clock.start(
      timeoutMs,
      `The router gave no answer within ${timeoutMs} ms: raise timeoutMs, or see why it is slow.`,
    );
    try {
      const response = await send({
        url: `${this.#baseUrl}${call.path}`,
        method,
        ...(body !== undefined && { body }),
        createHeaders: () => this.#createHeaders(call, body !== undefined),
        fetch: this.#fetch,
        maxRetries: call.maxRetries ?? this.#options.maxRetries ?? DEFAULT_MAX_RETRIES,
        clock,
      });
      return { response, clock };
    } catch (error) {
      clock.close();
      throw error;
    }
  }

  async #createHeaders(call: ChatCompletionOptions, hasBody: boolean): Promise<Headers> {
    const { apiKey, bearerToken } = this.#options;
    const token = await readCredential(bearerToken);
    const headers = new Headers();
    const values = {
      ...(hasBody && { 'content-type': 'application/json' }),
      ...this.#options.headers,
      ...call.headers,
      'api-key': await readCredential(apiKey),
      authorization: token === undefined ? undefined : `Bearer ${token}`,
      'X-USE_CASE': call.useCase ?? this.#options.useCase,
    };
    for (const [name, value] of Object.entries(values)) setHeader(headers, name, value);
    return headers;
  }
}

/** Quotes no value: the platform's own error would, and with it a key. */
function setHeader(headers: Headers, name: string, value: string | undefined): void {
  if (value === undefined) return;
  try {
    headers.set(name, value);
  } catch {
    throw new TypeError(
      `The value for the header ${name} cannot be sent: it may hold no line break and no character beyond Latin-1.`,
    );
  }
}

async function readCredential(credential: Credential | undefined): Promise<string | undefined> {
  return typeof credential === 'function' ? await credential() : credential;
}

async function readJson(response: Response, clock: CallClock): Promise<unknown> {
  try {
    return parseJson(await readText(response, clock));
  } finally {
    clock.close();
  }
}

/** Without the slash at the end. Never quotes the URL, which may hold a password. */
function parseBaseUrl(text: string): string {
  const advice = 'baseUrl must be an http or https URL without user, query or fragment';
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError(`${advice}, such as http://localhost:7071.`);
  }
  const isPlain = url.username + url.password + url.search + url.hash === '';
  if (!/^https?:$/.test(url.protocol) || !isPlain) throw new TypeError(`${advice}.`);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function checkLimits(limits: Pick<SmartRouterClientOptions, 'timeoutMs' | 'maxRetries'>): void {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxRetries = DEFAULT_MAX_RETRIES } = limits;
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be above 0, got ${timeoutMs}.`);
  if (!Number.isInteger(maxRetries) || maxRetries < 0) {
    throw new RangeError(`maxRetries must be a whole number from 0, got ${maxRetries}.`);
  }
}
