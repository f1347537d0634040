import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, isObject, type SmokeClient } from './smoke-client.ts';

/** A check's failure; the message says what is wrong and what to do. */
export class SmokeFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SmokeFailure';
  }
}

export type SmokeDemands = {
  /** Whether a router without an embedding cache fails. */
  readonly mustSeeCache: boolean;
  /** Whether a router passes that answers although `/ready` reports it as degraded. */
  readonly mayBeDegraded: boolean;
};

export type SmokeCheck = {
  readonly name: string;
  /**
   * Whether it is retried: a fresh deployment may fail it for some minutes, until its roles have
   * reached every region.
   */
  readonly isRetried?: true;
  /** Whether the test stops when it fails, since nothing else can be asked then. */
  readonly isVital?: true;
  /** Resolves to a few words about what was seen. Throws a SmokeFailure, or what `fetch` throws. */
  readonly run: (client: SmokeClient, demands: SmokeDemands) => Promise<string>;
};

const ROUTED = '/llm/openai/deployments/smart-router/chat/completions';

/**
 * Attempts until another instance finds in the table the vector that this one writes there in the
 * background.
 */
const HIT_ATTEMPTS = 5;
const HIT_PAUSE_MS = 1_000;

/** The checks in the order in which a router fails: each one relies on those before it. */
export const SMOKE_CHECKS: readonly SmokeCheck[] = [
  { name: 'health', isRetried: true, isVital: true, run: checkHealth },
  { name: 'ready', isRetried: true, run: checkReady },
  { name: 'routed answer', isRetried: true, run: checkRoutedAnswer },
  { name: 'streamed answer', run: checkStream },
  { name: 'embedding cache', run: checkEmbeddingCache },
  { name: 'wrong request', run: checkWrongRequest },
  { name: 'no key', run: checkClosedDoor },
  { name: 'openapi', run: checkOpenApi },
];

async function checkHealth(client: SmokeClient): Promise<string> {
  const answer = await client.get('/health');
  if (answer.status !== 200 || answer.body?.['status'] !== 'online') {
    throw failure(answer, 'The app does not run: its log says why it did not start.');
  }
  return 'online';
}

/** The most that is printed of an answer to `GET /ready`: some lines for each of a few deployments. */
const READY_LENGTH = 3_000;

async function checkReady(client: SmokeClient, { mayBeDegraded }: SmokeDemands): Promise<string> {
  const answer = await client.get('/ready');
  if (answer.status !== 200) {
    throw failure(answer, `Not ready: ${answer.text.slice(0, READY_LENGTH)}`);
  }
  const status = String(answer.body?.['status']);
  // Another deployment answers instead of a missing one, but the missing one still counts as missing.
  const isWhole = deploymentsOf(answer.body).every(({ state }) => state === 'ok');
  if (status === 'ready' || (status === 'degraded' && mayBeDegraded && isWhole)) return status;
  const hint = status === 'degraded' && isWhole ? ' It passes with --allow-degraded.' : '';
  throw failure(answer, `Not ready: ${answer.text.slice(0, READY_LENGTH)}${hint}`);
}

function deploymentsOf(
  body: Readonly<Record<string, unknown>> | undefined,
): readonly { readonly state?: unknown }[] {
  const deployments = body?.['deployments'];
  return Array.isArray(deployments) ? deployments : [];
}

async function checkRoutedAnswer(client: SmokeClient): Promise<string> {
  const { headers, body } = await askRouted(client, freshPrompt());
  const of = (name: string) => headers.get(`x-smart-router-${name}`);
  if (typeof body?.['selected_model'] !== 'string' || body['selected_model'] === '') {
    throw new SmokeFailure('The answer has no selected_model: is this a Smart Router?');
  }
  if (body['selected_model'] !== of('selected-model')) {
    throw new SmokeFailure('selected_model differs from x-smart-router-selected-model.');
  }
  const missing = ['tier', 'reason', 'request-id', 'scorer'].filter((name) => of(name) === null);
  if (missing.length > 0) {
    throw new SmokeFailure(
      `The headers ${missing.map((name) => `x-smart-router-${name}`).join(', ')} are missing: any proxy in front of the router must let them pass.`,
    );
  }
  const harder = `harder than ${(Number(of('percentile')) * 100).toFixed(0)}% of prompts`;
  return `${body['selected_model']} (${of('tier')}, ${of('reason')}, ${harder}, win rate ${of('win-rate')}, ${of('scorer')})`;
}

async function checkStream(client: SmokeClient): Promise<string> {
  const answer = await client.post(ROUTED, { prompt: freshPrompt(), stream: true });
  if (answer.status !== 200) throw failure(answer);
  const events = answer.text.split('\n\n').filter((event) => event.startsWith('data: '));
  if (events.at(-1)?.trim() !== 'data: [DONE]') {
    throw new SmokeFailure(
      'The stream does not end with [DONE]: a proxy in front of the router must not buffer it or cut it off.',
    );
  }
  return `${events.length} events, the last one is [DONE]`;
}

async function checkEmbeddingCache(
  client: SmokeClient,
  { mustSeeCache }: SmokeDemands,
): Promise<string> {
  const prompt = freshPrompt();
  const first = await askForCache(client, prompt);
  if (first === 'none' && !mustSeeCache) return 'none, since the embedder is local';
  if (first !== 'miss') {
    throw new SmokeFailure(
      `A fresh prompt gave "${first}" instead of "miss": EMBEDDING_DEPLOYMENT and ROUTER_SCORER decide whether there is a cache.`,
    );
  }
  for (let attempt = 0; attempt < HIT_ATTEMPTS; attempt += 1) {
    if ((await askForCache(client, prompt)) === 'hit') return 'miss, then hit';
    await sleep(HIT_PAUSE_MS);
  }
  throw new SmokeFailure(
    'The same prompt was not a hit the second time: /ready reports the state of the tables.',
  );
}

async function checkWrongRequest(client: SmokeClient): Promise<string> {
  const answer = await client.post(ROUTED, { messages: 'no list' });
  const error = answer.body?.['error'];
  const hasBody =
    isObject(error) && ['message', 'type', 'param', 'code'].every((at) => at in error);
  if (answer.status !== 400 || !hasBody) {
    throw failure(answer, "A 400 with OpenAI's error body was expected.");
  }
  return `400, ${String(error['code'] ?? error['type'])}`;
}

async function checkClosedDoor(client: SmokeClient): Promise<string> {
  if (!client.hasKey) return 'not asked, since no key was given';
  const answer = await client.postWithoutKey(ROUTED, { prompt: 'Hi' });
  if (answer.status !== 401) {
    throw failure(
      answer,
      'Anybody can call this router: set ROUTER_API_KEYS and remove ROUTER_AUTH.',
    );
  }
  return '401';
}

async function checkOpenApi(client: SmokeClient): Promise<string> {
  const answer = await client.get('/openapi.json');
  const version = answer.body?.['openapi'];
  if (answer.status !== 200 || typeof version !== 'string' || !version.startsWith('3.1')) {
    throw failure(answer, 'An OpenAPI 3.1 file was expected.');
  }
  return `OpenAPI ${version}`;
}

async function askForCache(client: SmokeClient, prompt: string): Promise<string | null> {
  const { headers } = await askRouted(client, prompt);
  const reason = headers.get('x-smart-router-reason');
  if (reason === 'embedding-unavailable') {
    throw new SmokeFailure('The embedding deployment does not answer: /ready has the details.');
  }
  return headers.get('x-smart-router-embedding-cache');
}

async function askRouted(client: SmokeClient, prompt: string): Promise<Answer> {
  const answer = await client.post(ROUTED, { prompt });
  if (answer.status !== 200) throw failure(answer);
  return answer;
}

/** Returns a prompt that has never been asked before, so no cache can contain it. */
function freshPrompt(): string {
  return `Answer with one word: what is ${randomUUID()}?`;
}

const WHAT_TO_DO: Readonly<Record<number, string>> = {
  401: 'Give a key that the router knows: --key-from names the environment variable that holds it.',
  403: 'The identity lacks a role, or the network does not admit this machine.',
  404: 'There is no router at this address: check the address, and that the app is deployed.',
  429: 'The deployment is at its limit: raise its capacity, or wait.',
};

function failure(answer: Answer, whatToDo = WHAT_TO_DO[answer.status] ?? ''): SmokeFailure {
  const error = answer.body?.['error'] ?? answer.body;
  const message = isObject(error) && typeof error['message'] === 'string' ? error['message'] : '';
  return new SmokeFailure(`HTTP ${answer.status}. ${message.slice(0, 300)} ${whatToDo}`.trim());
}
