import type { TableClient } from '@azure/data-tables';
import { LRUCache } from 'lru-cache';
import { checkOutcomeSource, ownerOf } from '../access/caller.ts';
import { type Answer, jsonAnswer } from '../base/answer.ts';
import { InvalidRequestError } from '../base/errors.ts';
import { parseWith } from '../base/parse-with.ts';
import type { Call } from '../calls/call.ts';
import { readKey } from '../calls/idempotency-key.ts';
import { pageLimitOf } from '../calls/page-limit.ts';
import {
  DecisionNotFoundError,
  DecisionsNotKeptError,
  orUnreachable,
  RequestNotFoundError,
} from '../decisions/decision-errors.ts';
import { decisionJson, explainedDecisionJson } from '../decisions/decision-record.ts';
import { keepOutcome, outcomeJson, outcomeSchema } from '../decisions/outcome-record.ts';
import { type DecisionQuery, readDecisions, readOutcomes } from '../decisions/read-decisions.ts';
import {
  type Joined,
  MAX_FINE_MS,
  readStats,
  STATS_BY,
  type StatsQuery,
} from '../decisions/read-stats.ts';
import type { Place, RequestIds } from '../decisions/request-ids.ts';
import { getRow } from '../storage/read-rows.ts';

export type DecisionHandlers = {
  readonly list: (call: Call) => Promise<Answer>;
  readonly get: (call: Call) => Promise<Answer>;
  readonly addOutcome: (call: Call) => Promise<Answer>;
  readonly stats: (call: Call) => Promise<Answer>;
};

type DecisionHandlersOptions = {
  /** Absent: no table is configured, and nothing is kept. */
  readonly loadClient: (() => Promise<TableClient>) | undefined;
  readonly ids: RequestIds;
  readonly retentionMs: number;
  readonly now?: () => number;
};

const DAY_MS = 86_400_000;
/** Some megabytes, so that repeated requests for statistics do not read each judged decision again. */
const MAX_JOINS = 10_000;
const MAX_SPAN_MS = 92 * DAY_MS;

/** The query parameters that filter decisions, and their columns. */
const FILTERS = {
  use_case: 'useCase',
  deployment: 'deployment',
  tier: 'tier',
  reason: 'reason',
  caller: 'caller',
} as const;

export function createDecisionHandlers(options: DecisionHandlersOptions): DecisionHandlers {
  const { ids, retentionMs, now = Date.now } = options;
  const joins = new LRUCache<string, Joined>({ max: MAX_JOINS });

  async function withClient<T>(
    { signal }: Call,
    work: (client: TableClient) => Promise<T>,
  ): Promise<T> {
    const { loadClient } = options;
    if (loadClient === undefined) throw new DecisionsNotKeptError();
    return orUnreachable(async () => work(await loadClient()), signal);
  }

  return {
    list: async (call) => {
      const limit = pageLimitOf(call);
      const query = readQuery(call, ids, { limit: limit + 1, now: now(), retentionMs });
      return withClient(call, async (client) => {
        const found = await readDecisions(client, query);
        const rows = found.slice(0, limit);
        const outcomes = await readOutcomes(client, rows);
        const data = rows.map((row) => ({
          ...decisionJson(row),
          outcomes: (outcomes.get(row.rowKey) ?? []).map(outcomeJson),
        }));
        return jsonAnswer(200, { object: 'list', data, has_more: found.length > limit });
      });
    },
    get: async (call) =>
      withClient(call, async (client) => {
        const place = ids.placeOf(call.id ?? '');
        const row = place && (await getRow(client, place.partition, place.row));
        if (row === undefined) throw new DecisionNotFoundError();
        const outcomes = await readOutcomes(client, [row]);
        const ofIt = outcomes.get(row.rowKey) ?? [];
        return jsonAnswer(200, { ...explainedDecisionJson(row), outcomes: ofIt.map(outcomeJson) });
      }),
    stats: async (call) => {
      const query = readStatsQuery(call, now());
      return withClient(call, async (client) => {
        const from = Math.max(query.from, now() - retentionMs);
        const [total, ...data] = await readStats(client, { ...query, from }, joins);
        return jsonAnswer(200, { object: 'stats', by: query.by, data, total });
      });
    },
    addOutcome: async (call) => {
      const outcome = parseWith(outcomeSchema, call.body);
      checkOutcomeSource(call.caller, outcome.source ?? 'user');
      const key = readKey(call);
      return withClient(call, async (client) => {
        const place = ids.placeOf(outcome.request_id);
        if (place === undefined || !(await isRouted(client, place, now()))) {
          throw new RequestNotFoundError();
        }
        const origin = { place, caller: ownerOf(call), key, at: now() };
        const body = await keepOutcome(client, outcome, origin);
        return { status: 201, headers: { 'content-type': 'application/json' }, body };
      });
    },
  };
}

/** How long after the beginning of its request a decision is surely written, in ms: streams may take long. */
const WRITTEN_AFTER_MS = 3_600_000;

/**
 * Whether a request was decided on: other requests have ids as well. One of a moment ago may not be written
 * yet.
 */
async function isRouted(client: TableClient, place: Place, now: number): Promise<boolean> {
  if (now - place.at < WRITTEN_AFTER_MS) return true;
  return (await getRow(client, place.partition, place.row)) !== undefined;
}

function readQuery(
  { query }: Call,
  ids: RequestIds,
  { limit, now, retentionMs }: { limit: number; now: number; retentionMs: number },
): DecisionQuery {
  const after = query('after');
  const place = after === null ? undefined : ids.placeOf(after);
  if (after !== null && place === undefined) {
    throw new InvalidRequestError('after must be the request_id of a decision.', {
      param: 'after',
    });
  }
  const where = Object.entries(FILTERS).flatMap(([param, column]) => {
    const value = query(param);
    return value === null ? [] : [[column, value.slice(0, 256)]];
  });
  return {
    from: Math.max(readTime(query('from'), 'from') ?? 0, now - retentionMs),
    // Includes the decisions of this very millisecond.
    to: readTime(query('to'), 'to') ?? now + 1,
    ...(place && { after: place }),
    where: Object.fromEntries(where),
    limit,
  };
}

function readStatsQuery({ query }: Call, now: number): StatsQuery {
  const by = STATS_BY.find((one) => one === (query('by') ?? 'use_case'));
  if (by === undefined) {
    throw new InvalidRequestError(`by must be one of ${STATS_BY.join(', ')}.`, { param: 'by' });
  }
  const to = readTime(query('to'), 'to') ?? now + 1;
  const from = readTime(query('from'), 'from') ?? to - DAY_MS;
  const longest = by === 'five_minutes' ? MAX_FINE_MS : MAX_SPAN_MS;
  if (from >= to || to - from > longest) {
    const most = by === 'five_minutes' ? '6 hours' : '92 days';
    throw new InvalidRequestError(`from must be before to, by at most ${most}.`, { param: 'from' });
  }
  const [useCase, deployment] = [query('use_case'), query('deployment')];
  return {
    from,
    to,
    by,
    ...(useCase !== null && { useCase }),
    ...(deployment !== null && { deployment }),
  };
}

/** Parses ISO 8601 or seconds since 1970, and returns milliseconds since 1970. Throws an InvalidRequestError. */
function readTime(text: string | null, param: string): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d{1,11}$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  if (!Number.isNaN(ms) && ms >= 0 && ms < 4e12) return ms;
  throw new InvalidRequestError(`${param} must be a time, such as 2026-11-27T12:00:00Z.`, {
    param,
  });
}
