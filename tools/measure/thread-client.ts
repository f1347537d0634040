import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';

const CHAT = '/llm/openai/deployments/smart-router/chat/completions';

type Json = Readonly<Record<string, unknown>>;

type Sent = { readonly body?: Json; readonly key?: string | undefined };
type Answer = { readonly status: number; readonly body: Json };

/** A client for the threads of one instance of the app. */
export type ThreadClient = {
  create(messages?: readonly Json[]): Promise<string>;
  /** Adds a message, at most once for the same key; returns the status. */
  add(thread: string, content: string, key?: string): Promise<number>;
  /** Retries until the message is added. Returns the number of tries. */
  addForSure(thread: string, content: string, key: string): Promise<number>;
  page(thread: string, after: string | undefined): Promise<Json>;
  chat(body: Json): Promise<void>;
  close(): Promise<void>;
};

const RETRY_MS = 200;

export function createThreadClient(url: string, connections: number): ThreadClient {
  const pool = new Pool(url, { connections });
  async function send(method: 'GET' | 'POST', path: string, { body, key }: Sent = {}) {
    const answer = await pool.request({
      method,
      path,
      headers: {
        'content-type': 'application/json',
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const json = (await answer.body.json()) as Json;
    return { status: answer.statusCode, body: json } satisfies Answer;
  }
  async function add(thread: string, content: string, key?: string) {
    const message = { role: 'user', content };
    return (await send('POST', `/llm/threads/${thread}/messages`, { body: message, key })).status;
  }
  return {
    create: async (messages = []) => {
      const { status, body } = await send('POST', '/llm/threads', { body: { messages } });
      if (status !== 201) throw new Error(`A thread was answered ${status}.`);
      return String(body['id']);
    },
    add,
    addForSure: async (thread, content, key) => {
      for (let tries = 1; ; tries += 1) {
        const status = await add(thread, content, key).catch(() => 0);
        if (status === 201) return tries;
        if (status !== 0 && status !== 409 && status < 500) {
          throw new Error(`A message was answered ${status}.`);
        }
        await delay(RETRY_MS * (1 + Math.random()));
      }
    },
    page: async (thread, after) => {
      const query = `limit=100${after === undefined ? '' : `&after=${after}`}`;
      return (await send('GET', `/llm/threads/${thread}/messages?${query}`)).body;
    },
    chat: async (body) => {
      const { status } = await send('POST', CHAT, { body });
      if (status !== 200) throw new Error(`A chat request was answered ${status}.`);
    },
    close: () => pool.close(),
  };
}

/** Yields the contents of all messages of a thread, page by page. */
export async function* contentsOf(client: ThreadClient, thread: string): AsyncGenerator<string> {
  let after: string | undefined;
  for (;;) {
    const page = await client.page(thread, after);
    for (const { content } of page['data'] as readonly Json[]) yield String(content);
    if (page['has_more'] !== true) return;
    after = String(page['last_id']);
  }
}
