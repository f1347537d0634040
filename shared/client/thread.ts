import type {
  ChatCompletion,
  ChatCompletionStream,
  ChatMessage,
  ChatRequestFields,
} from './chat-completion.ts';

/** The router's facts about a thread, a conversation that it keeps. */
export type ThreadFacts = {
  readonly id: string;
  readonly object: 'thread';
  /** Seconds since 1970. */
  readonly created_at: number;
  /** The time at which it is deleted if nothing is added before; seconds since 1970. */
  readonly expires_at: number;
  readonly user?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly message_count: number;
};

/** A message of a thread. Other fields are those that you or the model's service sent. */
export type ThreadMessage = {
  readonly id: string;
  readonly object: 'thread.message';
  readonly thread_id: string;
  /** Seconds since 1970. */
  readonly created_at: number;
  /** `incomplete` for an answer that broke off. */
  readonly status: 'completed' | 'incomplete';
  readonly role: string;
  readonly content?: unknown;
  /** The model that gave the answer; absent for messages that you sent. */
  readonly model?: string;
  readonly [field: string]: unknown;
};

export type NewThread = {
  /** The user, among yours, to whom the thread belongs. */
  readonly user?: string;
  /** Up to 16 texts by name. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The first messages, up to 64. */
  readonly messages?: readonly ChatMessage[];
};

export type ThreadCallOptions = {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly maxRetries?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

type SendOptions = ThreadCallOptions & {
  readonly useCase?: string | undefined;
  /** The deployment; default: the request's `model`, else `smart-router`. */
  readonly deployment?: string | undefined;
  /** Lets you send a request again after a restart; default: a new key for each call. */
  readonly idempotencyKey?: string | undefined;
};

/** The request to a thread. Without a new message, the model answers the messages added before. */
export type ThreadRequest = ChatRequestFields;

/** A conversation whose messages and answers the router keeps. */
export type Thread = {
  readonly id: string;
  /**
   * Sends a message and returns the answer. A message that is sent again, by a retry or by you with
   * the same key, is added once. With `stream: true` it resolves once the answer begins, to its
   * chunks.
   */
  send(
    request: ThreadRequest & { readonly stream: true },
    options?: SendOptions,
  ): Promise<ChatCompletionStream>;
  send(
    request: string | (ThreadRequest & { readonly stream?: false | null }),
    options?: SendOptions,
  ): Promise<ChatCompletion>;
  /** Adds a message without asking for an answer. */
  add(message: ChatMessage, options?: ThreadCallOptions): Promise<ThreadMessage>;
  /** Lists all of its messages, the oldest first, page by page. */
  messages(options?: ThreadCallOptions): AsyncGenerator<ThreadMessage>;
  facts(options?: ThreadCallOptions): Promise<ThreadFacts>;
  /** Deletes the thread and all of its messages permanently. */
  delete(options?: ThreadCallOptions): Promise<void>;
};

type JsonCall = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
};

/** The calls of a thread to the router. */
export type ThreadCalls = {
  json(call: JsonCall, options: ThreadCallOptions): Promise<unknown>;
  chat(
    request: ThreadRequest & { readonly messages: readonly ChatMessage[] },
    options: SendOptions,
  ): Promise<ChatCompletion | ChatCompletionStream>;
};

const PATH = '/llm/threads';
const PAGE = 100;

export function openThread(calls: ThreadCalls, id: string, user: string | undefined): Thread {
  const path = `${PATH}/${encodeURIComponent(id)}`;
  const query = user === undefined ? '' : `?user=${encodeURIComponent(user)}`;
  async function send(request: string | ThreadRequest, options: SendOptions = {}) {
    const said = typeof request === 'string' ? { prompt: request } : request;
    const body = { messages: [], ...(user !== undefined && { user }), ...said, thread_id: id };
    const { idempotencyKey = randomKey(), ...others } = options;
    const headers = { ...others.headers, 'idempotency-key': idempotencyKey };
    return calls.chat(body, { ...others, headers });
  }
  return {
    id,
    // The result depends on `stream`, as the overloads above declare.
    send: send as Thread['send'],
    add: async (message, options = {}) => {
      const headers = { 'idempotency-key': randomKey(), ...options.headers };
      const call = { method: 'POST', path: `${path}/messages${query}`, body: message } as const;
      return (await calls.json(call, { ...options, headers })) as ThreadMessage;
    },
    messages: (options = {}) => listPages(calls, { path: `${path}/messages`, user }, options),
    facts: async (options = {}) =>
      (await calls.json({ method: 'GET', path: `${path}${query}` }, options)) as ThreadFacts,
    delete: async (options = {}) => {
      await calls.json({ method: 'DELETE', path: `${path}${query}` }, options);
    },
  };
}

export async function createThread(
  calls: ThreadCalls,
  wanted: NewThread,
  options: ThreadCallOptions,
): Promise<Thread> {
  const call = { method: 'POST', path: PATH, body: wanted } as const;
  const { id } = (await calls.json(call, options)) as ThreadFacts;
  return openThread(calls, id, wanted.user);
}

export function listThreads(
  calls: ThreadCalls,
  user: string | undefined,
  options: ThreadCallOptions,
): AsyncGenerator<ThreadFacts> {
  return listPages(calls, { path: PATH, user }, options);
}

type Page<T> = {
  readonly data: readonly T[];
  readonly last_id: string | null;
  readonly has_more: boolean;
};

async function* listPages<T>(
  calls: ThreadCalls,
  { path, user }: { readonly path: string; readonly user: string | undefined },
  options: ThreadCallOptions,
): AsyncGenerator<T> {
  let after: string | undefined;
  for (;;) {
    const query = new URLSearchParams({
      limit: String(PAGE),
      ...(user !== undefined && { user }),
      ...(after !== undefined && { after }),
    });
    const page = (await calls.json(
      { method: 'GET', path: `${path}?${query}` },
      options,
    )) as Page<T>;
    yield* page.data;
    if (!page.has_more || page.last_id === null) return;
    after = page.last_id;
  }
}

/**
 * Creates a random key, without `randomUUID`, which browsers have only on pages loaded over https.
 */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
