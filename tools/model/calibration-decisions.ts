import * as z from 'zod';
import { InputError } from '../command-line/input-error.ts';

/** One decision as `GET /llm/decisions` lists it; only what is used is looked at. */
const decisionSchema = z.object({
  win_rate: z.number().min(0).max(1).nullish(),
  scorer: z.string().nullish(),
  id: z.string().nullish(),
  request_id: z.string().nullish(),
});

const pageSchema = z.object({
  data: z.array(decisionSchema),
  has_more: z.boolean().default(false),
  last_id: z.string().nullish(),
});

type Decision = z.infer<typeof decisionSchema>;
type Page = z.infer<typeof pageSchema>;

type DecisionsOptions = {
  /** Where the service is, `/llm` not included. */
  readonly url: string;
  readonly apiKey?: string;
  /** `id@version`: decisions of other scorers say nothing about this one. */
  readonly scorer: string;
  /** So many of the newest decisions are read at most. */
  readonly limit: number;
};

export type RecordedWinRates = {
  readonly winRates: readonly number[];
  readonly skipped: { readonly otherScorer: number; readonly noWinRate: number };
};

const PAGE_SIZE = 100;
const TIMEOUT_MS = 30_000;

/** Reads the win rates of the newest decisions, page by page. Throws an InputError when it cannot. */
export async function readRecordedWinRates(options: DecisionsOptions): Promise<RecordedWinRates> {
  const winRates: number[] = [];
  const skipped = { otherScorer: 0, noWinRate: 0 };
  for await (const { win_rate: winRate, scorer } of readDecisions(options)) {
    if (winRate == null) skipped.noWinRate += 1;
    else if (scorer !== options.scorer) skipped.otherScorer += 1;
    else winRates.push(winRate);
  }
  return { winRates, skipped };
}

/** Ends at the limit, whatever the service says of more. */
async function* readDecisions(options: DecisionsOptions): AsyncGenerator<Decision> {
  const address = parseAddress(options);
  const seen = new Set<string>();
  let left = options.limit;
  while (left > 0) {
    const page = await fetchPage(address, Math.min(PAGE_SIZE, left), options);
    yield* page.data.slice(0, left);
    left -= page.data.length;
    if (!page.has_more) return;
    const after = findCursor(page);
    if (after === undefined || seen.has(after) || page.data.length === 0) {
      throw new InputError(
        `${address.host} says that there are more decisions after ${options.limit - left}, and not how to go on.`,
      );
    }
    seen.add(after);
    address.searchParams.set('after', after);
  }
}

function parseAddress({ url, apiKey }: DecisionsOptions): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  const isHttp = base?.protocol === 'https:' || base?.protocol === 'http:';
  if (base === undefined || !isHttp || `${base.username}${base.password}${base.search}` !== '') {
    // The value is left out: a mistyped address may hold a key.
    throw new InputError(
      '--from-decisions must be an http or https address without user name and query.',
    );
  }
  const isLocal = ['127.0.0.1', '[::1]', 'localhost'].includes(base.hostname);
  if (apiKey !== undefined && base.protocol === 'http:' && !isLocal) {
    throw new InputError('--from-decisions must be an https address: a key goes there.');
  }
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/llm/decisions`;
  return base;
}

async function fetchPage(address: URL, limit: number, { apiKey }: DecisionsOptions): Promise<Page> {
  address.searchParams.set('limit', String(limit));
  const place = `The decisions of ${address.host}`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(address, {
      headers: apiKey === undefined ? {} : { 'api-key': apiKey },
      // A redirect would take the key elsewhere.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch (error) {
    throw new InputError(`${place} cannot be read: ${reasonOf(error)}`);
  }
  if (response.status === 401 || response.status === 403) {
    throw new InputError(
      `${place} cannot be read: it answers ${response.status}. --key-env names the environment variable with a key that may read them.`,
    );
  }
  if (!response.ok) throw new InputError(`${place} cannot be read: it answers ${response.status}.`);
  const page = pageSchema.safeParse(parseJson(text));
  if (page.success) return page.data;
  throw new InputError(`${place} cannot be read: it does not answer with a list of decisions.`);
}

function findCursor({ data, last_id: lastId }: Page): string | undefined {
  const last = data.at(-1);
  return lastId ?? last?.id ?? last?.request_id ?? undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch says no more than "fetch failed"; why stands in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
