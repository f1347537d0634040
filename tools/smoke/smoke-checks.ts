import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, isObject, type SmokeClient } from './smoke-client.ts';

/** Something is not as it should be; the message says what, and what to do. */
export class SmokeFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SmokeFailure';
  }
}

export type SmokeDemands = {
  /** A router without an embedding cache fails. */
  readonly mustSeeCache: boolean;
  /** A router that only `/ready` finds fault with passes, as long as it answers. */
  readonly mayBeDegraded: boolean;
};

export type SmokeCheck = {
  readonly name: string;
  /** A fresh deployment may fail it for some minutes: roles take time to reach everywhere. */
  readonly isRetried?: true;
  /** Without it nothing else can be asked. */
  readonly isVital?: true;
  /** Gives what was seen, in a few words. Throws a SmokeFailure, or what `fetch` throws. */
  readonly run: (client: SmokeClient, demands: SmokeDemands) => Promise<string>;
};

const ROUTED = '/llm/openai/deployments/smart-router/chat/completions';

/** Another instance finds in the table what this one has just written there in the background. */
const HIT_ATTEMPTS = 5;
const HIT_PAUSE_MS = 1_000;

/** In the order in which a router fails: each rests on those before it. */
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

async function checkReady(client: SmokeClient, { mayBeDegraded }: SmokeDemands): Promise<string> {
  const answer = await client.get('/ready');
  if (answer.status !== 200) {
    throw failure(answer, `Not ready: ${answer.text.slice(0, 600)}`);
  }
  const status = String(answer.body?.['status']);
  // Another deployment answers in the place of a missing one: it is missing all the same.
  const isWhole = deploymentsOf(answer.body).every(({ state }) => state === 'ok');
  if (status === 'ready' || (status === 'degraded' && mayBeDegraded && isWhole)) return status;
  const hint = status === 'degraded' && isWhole ? ' It passes with --allow-degraded.' : '';
  throw failure(answer, `Not ready: ${answer.text.slice(0, 600)}${hint}`);
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
    throw new SmokeFailure('selected_model is not that of x-smart-router-selected-model.');
  }
  const missing = ['tier', 'reason', 'request-id', 'scorer'].filter((name) => of(name) === null);
  if (missing.length > 0) {
    throw new SmokeFailure(
      `The headers ${missing.map((name) => `x-smart-router-${name}`).join(', ')} are missing: what stands before the router must let them pass.`,
    );
  }
  return `${body['selected_model']} (${of('tier')}, ${of('reason')}, win rate ${of('win-rate')}, ${of('scorer')})`;
}

async function checkStream(client: SmokeClient): Promise<string> {
  const answer = await client.post(ROUTED, { prompt: freshPrompt(), stream: true });
  if (answer.status !== 200) throw failure(answer);
  const events = answer.text.split('\n\n').filter((event) => event.startsWith('data: '));
  if (events.at(-1)?.trim() !== 'data: [DONE]') {
    throw new SmokeFailure(
      'The stream does not end with [DONE]: what stands before the router must not buffer or cut it.',
    );
  }
  return `${events.length} events, the last is [DONE]`;
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
  throw new SmokeFailure('The same prompt again was no hit: /ready tells how the tables are.');
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
      'Everybody can call this router: set ROUTER_API_KEYS and no ROUTER_AUTH.',
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
    throw new SmokeFailure('The embedding deployment does not answer: /ready tells more.');
  }
  return headers.get('x-smart-router-embedding-cache');
}

async function askRouted(client: SmokeClient, prompt: string): Promise<Answer> {
  const answer = await client.post(ROUTED, { prompt });
  if (answer.status !== 200) throw failure(answer);
  return answer;
}

/** Nobody has asked it before, so no cache can know it. */
function freshPrompt(): string {
  return `Answer with one word: what is ${randomUUID()}?`;
}

const WHAT_TO_DO: Readonly<Record<number, string>> = {
  401: 'Give a key that the router knows: --key-from names the environment variable that holds it.',
  403: 'The identity lacks a role, or the network lets this machine not in.',
  404: 'Nothing is there: check the address, and that the app is deployed.',
  429: 'The deployment is at its limit: raise its capacity, or wait.',
};

function failure(answer: Answer, whatToDo = WHAT_TO_DO[answer.status] ?? ''): SmokeFailure {
  const error = answer.body?.['error'] ?? answer.body;
  const message = isObject(error) && typeof error['message'] === 'string' ? error['message'] : '';
  return new SmokeFailure(`HTTP ${answer.status}. ${message.slice(0, 300)} ${whatToDo}`.trim());
}
