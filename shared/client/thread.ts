import type {
  ChatCompletion,
  ChatCompletionStream,
  ChatMessage,
  ChatRequestFields,
} from './chat-completion.ts';

/** A conversation that the router keeps, as it tells of it. */
export type ThreadFacts = {
  readonly id: string;
  readonly object: 'thread';
  /** Seconds since 1970. */
  readonly created_at: number;
  /** When it is deleted, unless something is added before. */
  readonly expires_at: number;
  readonly user?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly message_count: number;
};

/** A message of a thread. Fields not named here are what was sent, or what the model's service sent. */
export type ThreadMessage = {
  readonly id: string;
  readonly object: 'thread.message';
  readonly thread_id: string;
  /** Seconds since 1970. */
  readonly created_at: number;
  /** `incomplete`: the answer broke off. */
  readonly status: 'completed' | 'incomplete';
  readonly role: string;
  readonly content?: unknown;
  /** The model that gave it; absent for what was sent. */
  readonly model?: string;
  readonly [field: string]: unknown;
};

export type NewThread = {
  /** Whose it is among your users. */
  readonly user?: string;
  /** Up to 16 texts. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The first ones, up to 64. */
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
  /** Default: the request's `model`, else `smart-router`. */
  readonly deployment?: string | undefined;
  /** To send a request again after a restart of yours; default: one of its own for each call. */
  readonly idempotencyKey?: string | undefined;
};

/** What is said now: without it, what was added before is answered. */
export type ThreadRequest = ChatRequestFields;

/** A thread to talk in. What is said, and the answers, are kept by the router. */
export type Thread = {
  readonly id: string;
  /**
   * Says something, and gives the answer. Sent again by itself or by you with the same key, it is
   * added once. With `stream: true` it resolves once the answer begins, to its chunks.
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
  /** All of its messages, the oldest first, read page by page. */
  messages(options?: ThreadCallOptions): AsyncGenerator<ThreadMessage>;
  facts(options?: ThreadCallOptions): Promise<ThreadFacts>;
  /** Deletes it with all of its messages, for good. */
  delete(options?: ThreadCallOptions): Promise<void>;
};

/** How a thread calls the router. */
export type ThreadCalls = {
  json(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    options: ThreadCallOptions,
    body?: unknown,
  ): Promise<unknown>;
  chat(
    request: ThreadRequest & { readonly messages: readonly ChatMessage[] },
    options: SendOptions,
  ): Promise<ChatCompletion | ChatCompletionStream>;
};

const PATH = '/llm/threads';
const PAGE = 100;

export function createThread(calls: ThreadCalls, id: string, user: string | undefined): Thread {
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
    // What comes depends on `stream`, as the types above have it.
    send: send as Thread['send'],
    add: async (message, options = {}) => {
      const headers = { 'idempotency-key': randomKey(), ...options.headers };
      const added = calls.json(
        'POST',
        `${path}/messages${query}`,
        { ...options, headers },
        message,
      );
      return (await added) as ThreadMessage;
    },
    messages: (options = {}) => pagesOf(calls, `${path}/messages`, user, options),
    facts: async (options = {}) =>
      (await calls.json('GET', `${path}${query}`, options)) as ThreadFacts,
    delete: async (options = {}) => {
      await calls.json('DELETE', `${path}${query}`, options);
    },
  };
}

export async function makeThread(
  calls: ThreadCalls,
  wish: NewThread,
  options: ThreadCallOptions,
): Promise<Thread> {
  const { id } = (await calls.json('POST', PATH, options, wish)) as ThreadFacts;
  return createThread(calls, id, wish.user);
}

export function listThreads(
  calls: ThreadCalls,
  user: string | undefined,
  options: ThreadCallOptions,
): AsyncGenerator<ThreadFacts> {
  return pagesOf(calls, PATH, user, options);
}

type Page<T> = {
  readonly data: readonly T[];
  readonly last_id: string | null;
  readonly has_more: boolean;
};

async function* pagesOf<T>(
  calls: ThreadCalls,
  path: string,
  user: string | undefined,
  options: ThreadCallOptions,
): AsyncGenerator<T> {
  let after: string | undefined;
  for (;;) {
    const query = new URLSearchParams({
      limit: String(PAGE),
      ...(user !== undefined && { user }),
      ...(after !== undefined && { after }),
    });
    const page = (await calls.json('GET', `${path}?${query}`, options)) as Page<T>;
    yield* page.data;
    if (!page.has_more || page.last_id === null) return;
    after = page.last_id;
  }
}

/** Not randomUUID, which browsers have only for pages that came by https. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
