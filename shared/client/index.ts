import type { ChatCompletion, ChatCompletionStream, ChatRequest } from './chat-completion.ts';
import { createForeignAnswerError, isRecord, parseJson } from './errors.ts';
import {
  type ChatCompletionOptions,
  checkLimits,
  DEFAULT_MAX_RETRIES,
  DEFAULT_TIMEOUT_MS,
  parseBaseUrl,
  readCredential,
  type SmartRouterClientOptions,
  setHeader,
} from './options.ts';
import { readRoutingFacts } from './routing-facts.ts';
import { createChatCompletionStream } from './stream.ts';
import {
  createThread,
  listThreads,
  type NewThread,
  openThread,
  type Thread,
  type ThreadCallOptions,
  type ThreadCalls,
  type ThreadFacts,
} from './thread.ts';
import { CallClock, type Fetch, readText, send } from './transport.ts';

export type * from './chat-completion.ts';
// biome-ignore lint/performance/noBarrelFile: this is the entry of a package, whose users need the error classes.
export {
  RouterConnectionError,
  RouterError,
  RouterResponseError,
  RouterTimeoutError,
} from './errors.ts';
export type { ChatCompletionOptions, Credential, SmartRouterClientOptions } from './options.ts';
export type * from './thread.ts';
export type { Fetch } from './transport.ts';

const API_VERSION = '2024-10-21';

/** Long enough for a cold start, but short, since a health check asks about the present. */
const DEFAULT_HEALTH_TIMEOUT_MS = 10_000;

export type HealthCheckOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; default 10,000. */
  readonly timeoutMs?: number | undefined;
};

export type Health = { readonly status: 'online' };

/**
 * Calls a Smart Router.
 *
 * A failed call throws a `RouterResponseError` (the answer is an error), a `RouterConnectionError`
 * (no complete answer) or a `RouterTimeoutError` (too late), all of which are `RouterError`.
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
 *
 * const thread = await client.createThread({ user: 'ada' });
 * await thread.send('My name is Ada.');
 * console.log((await client.thread(thread.id).send('What is my name?')).response);
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
    // Wrapped, because browsers refuse a fetch that is called as a method of another object.
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
    throw createForeignAnswerError(response, 'the health of a router that is online');
  }

  /**
   * Asks for an answer. With `stream: true` it resolves once the answer begins, to its chunks.
   * Both carry `routing`, which tells the chosen model and the reason.
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
    // The router passes on the body of the service unchanged; this is its type.
    return { ...(body as ChatCompletion), routing };
  }

  /** Creates a thread, which keeps a conversation. */
  createThread(wanted: NewThread = {}, options: ThreadCallOptions = {}): Promise<Thread> {
    return createThread(this.#threadCalls(), wanted, options);
  }

  /**
   * Returns an existing thread, without a call. With `user`, only that user's threads can be used.
   */
  thread(id: string, { user }: { readonly user?: string } = {}): Thread {
    return openThread(this.#threadCalls(), id, user);
  }

  /**
   * Lists the threads of one of your users, the newest first; without `user`, those without a user.
   */
  threads({
    user,
    ...options
  }: ThreadCallOptions & { readonly user?: string } = {}): AsyncGenerator<ThreadFacts> {
    return listThreads(this.#threadCalls(), user, options);
  }

  #threadCalls(): ThreadCalls {
    return {
      json: async ({ method, path, body }, options) => {
        const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
        const { response, clock } = await this.#send({
          ...options,
          timeoutMs,
          method,
          path,
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        const answer = await readJson(response, clock);
        if (!isRecord(answer)) throw createForeignAnswerError(response, 'a thread');
        return answer;
      },
      chat: (request, options) => this.chatCompletion(request, options),
    };
  }

  async #send(
    call: ChatCompletionOptions & {
      readonly method: 'GET' | 'POST' | 'DELETE';
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
      `The router gave no answer within ${timeoutMs} ms: raise timeoutMs, or find out why it is slow.`,
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

async function readJson(response: Response, clock: CallClock): Promise<unknown> {
  try {
    return parseJson(await readText(response, clock));
  } finally {
    clock.close();
  }
}
