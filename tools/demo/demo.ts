import { randomUUID } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import { createBackground } from '../../shared/base/background.ts';
import { createDecisionLog } from '../../shared/decisions/decision-log.ts';
import { keepOutcome, type Outcome } from '../../shared/decisions/outcome-record.ts';
import { createCallLimits } from '../../shared/storage/call-limits.ts';
import { createTableClient } from '../../shared/storage/tables.ts';
import { createRandom } from '../model/random.ts';
import { POLICIES, toOutcome, toPastRecord } from './past-records.ts';
import { decidePastRequests } from './past-requests.ts';
import { promptsOf, WORKS } from './prompts.ts';
import { pick, type Random } from './random.ts';

type DemoOptions = {
  readonly url: string;
  /** Connection string of the emulator that the router uses. */
  readonly tables: string;
  readonly requests?: number;
  /** Writes only the totals, not the single requests. */
  readonly isSummed?: boolean;
};

/** A fixed seed, so that the demo looks the same wherever it runs. */
const SEED = 7;
const REQUESTS = 2_400;
const OUTCOMES_AT_ONCE = 32;

/**
 * Fills a router's tables with an hour of requests: each is decided on by the router itself, the
 * tokens, times and verdicts are made up. Returns the number of requests.
 */
export async function fillHour(options: DemoOptions): Promise<number> {
  const random = createRandom(SEED);
  await setPolicies(options.url);
  return writePast(options, random);
}

async function setPolicies(url: string): Promise<void> {
  for (const [useCase, strong_share] of Object.entries(POLICIES)) {
    const response = await fetch(`${url}/llm/use-cases/${useCase}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ strong_share }),
    });
    if (!response.ok) {
      throw new Error(`The router answered ${response.status}: the demo needs it open to all.`);
    }
  }
}

async function writePast(
  { url, tables, requests = REQUESTS, isSummed = false }: DemoOptions,
  random: Random,
): Promise<number> {
  const past = await decidePastRequests(url, random, { requests, now: Date.now() });
  const { inBackground: limit } = createCallLimits({ timeoutMs: 10_000, maxCalls: 1 });
  const access = { loadCredential: noCredential, limit };
  const client = await createTableClient({ connectionString: tables }, 'decisions', access);
  const clock = { now: Date.now() };
  const noLog = () => undefined;
  const log = createDecisionLog({
    loadClient: async () => client,
    background: createBackground(noLog),
    log: noLog,
    now: () => clock.now,
  });
  // The flush reads the key for request ids, which the router has made.
  await log.flush();
  const outcomes: Outcome[] = [];
  for (const request of past) {
    clock.now = request.at;
    // A decision without the signed id of an answered request is only added to the totals.
    const id = isSummed ? randomUUID() : log.ids.create(randomUUID());
    const record = toPastRecord(random, id, request);
    log.record(record);
    outcomes.push(...[toOutcome(random, record) ?? []].flat());
  }
  await log.flush();
  await keepAll(client, log.ids.placeOf, outcomes);
  return past.length;
}

async function noCredential(): Promise<never> {
  throw new Error('The emulator needs no credential.');
}

async function keepAll(
  client: TableClient,
  placeOf: ReturnType<typeof createDecisionLog>['ids']['placeOf'],
  outcomes: readonly Outcome[],
): Promise<void> {
  const origin = { caller: 'anonymous', at: Date.now() };
  for (let first = 0; first < outcomes.length; first += OUTCOMES_AT_ONCE) {
    await Promise.all(
      outcomes.slice(first, first + OUTCOMES_AT_ONCE).map(async (outcome) => {
        const place = placeOf(outcome.request_id);
        if (place) await keepOutcome(client, outcome, { ...origin, place });
      }),
    );
  }
}

/** Sends a real request every other second until the signal ends it. */
export async function sendRequests(url: string, signal: AbortSignal): Promise<void> {
  const random = createRandom(Date.now());
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, 600 + 1_800 * random()).unref());
    const work = pick(random, WORKS);
    // A router that is being stopped is not an error of the demo.
    await fetch(`${url}/llm/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-use-case': work.useCase },
      body: JSON.stringify({
        prompt: pick(random, promptsOf(work)),
        stream: random() < work.streamed,
      }),
      signal,
    })
      .then((response) => response.text())
      .catch(() => undefined);
  }
}
