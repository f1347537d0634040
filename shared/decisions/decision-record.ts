import { parseJson } from '../base/parse-json.ts';
import type { Tokens } from '../spending/cost.ts';

/** The decision on a request, and the facts of its answer. */
export type DecisionRecord = {
  readonly requestId: string;
  /** The time of the answer, in milliseconds since 1970. */
  readonly at: number;
  readonly caller?: string | undefined;
  readonly useCase?: string | undefined;
  /** The text that was scored, redacted; only if the operator keeps texts. */
  readonly prompt?: string | undefined;
  readonly threadId?: string | undefined;
  /** `initialize`, `retain` or `switch`, for a request of a thread. */
  readonly session?: string | undefined;
  readonly deployment: string;
  readonly selectedModel: string;
  readonly tier: 'strong' | 'weak' | 'direct';
  readonly reason: string;
  /** The strongest model that could have answered, by the name that users see. */
  readonly strongModel?: string | undefined;
  /** The scorer's names of the strongest model and of the cheapest of the others. */
  readonly scorerStrong?: string | undefined;
  readonly scorerWeak?: string | undefined;
  readonly winRate?: number | undefined;
  /** The share, 0 to 1, of the prompts that the threshold comes from with a lower win rate. */
  readonly percentile?: number | undefined;
  /** The same share of the calibration's prompts, if the former ones are the router's own. */
  readonly shippedPercentile?: number | undefined;
  readonly threshold?: number | undefined;
  /** The source of the threshold, such as `setting`, `shipped` or `own 62%`. */
  readonly thresholdFrom?: string | undefined;
  /** The share, 0 to 1, of such prompts that go to the strong model at this threshold. */
  readonly strongShareForeseen?: number | undefined;
  readonly scorer?: string | undefined;
  /** Returns the candidates as `routing.explain` shows them; called only if they are stored. */
  readonly candidates?: (() => readonly object[] | undefined) | undefined;
  readonly embeddingCache: string;
  /** Deployments and their statuses, such as `weak;429, strong;200`. */
  readonly attempts: string;
  readonly stream: boolean;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** The reason why the answer broke off, if it did. */
  readonly error?: string | undefined;
  readonly tokens?: Tokens | undefined;
  /** USD: of the answer, and of as many tokens with the strongest and the cheapest model available. */
  readonly cost?: number | undefined;
  readonly costStrong?: number | undefined;
  readonly costWeak?: number | undefined;
  /** The router's own time, which includes embedding and scoring; `upstreamMs` is the deployments'. */
  readonly overheadMs: number;
  readonly embeddingMs?: number | undefined;
  readonly scoringMs?: number | undefined;
  readonly upstreamMs?: number | undefined;
  /** The time from the request to a stream's first content. */
  readonly firstTokenMs?: number | undefined;
  readonly totalMs: number;
};

type Row = Readonly<Record<string, unknown>>;

/** The most candidates stored: a column takes 32,000 characters. */
const MAX_CANDIDATES = 50;

/** Returns a column for each field that is known. */
export function toColumns({ tokens, at, candidates, ...record }: DecisionRecord): Row {
  const known = Object.entries(record).filter(
    ([, value]) => value !== undefined && !isNoNumber(value),
  );
  const listed = candidates?.();
  return {
    ...Object.fromEntries(known.map(([name, value]) => [name, toColumn(value)])),
    at: new Date(at).toISOString(),
    ...(tokens && { promptTokens: tokens.prompt, completionTokens: tokens.completion }),
    ...(tokens?.cached !== undefined && { cachedTokens: tokens.cached }),
    ...(listed && { candidates: JSON.stringify(listed.slice(0, MAX_CANDIDATES)) }),
  };
}

/** No table takes such a number. */
function isNoNumber(value: unknown): boolean {
  return typeof value === 'number' && !Number.isFinite(value);
}

/** Without its type, a whole number is stored as one of 32 bits, and a greater one is refused with its batch. */
function toColumn(value: unknown): unknown {
  const isLarge = Number.isInteger(value) && Math.abs(Number(value)) >= 2 ** 31;
  return isLarge ? { type: 'Double', value: String(value) } : value;
}

/** The names of the columns in JSON, in the order of the answer. */
const FIELDS: readonly (readonly [column: string, field: string])[] = [
  ['caller', 'caller'],
  ['useCase', 'use_case'],
  ['threadId', 'thread_id'],
  ['session', 'session'],
  ['deployment', 'deployment'],
  ['selectedModel', 'selected_model'],
  ['tier', 'tier'],
  ['reason', 'reason'],
  ['strongModel', 'strong_model'],
  ['scorerStrong', 'scorer_strong'],
  ['scorerWeak', 'scorer_weak'],
  ['percentile', 'percentile'],
  ['winRate', 'win_rate'],
  ['threshold', 'threshold'],
  ['thresholdFrom', 'threshold_from'],
  ['strongShareForeseen', 'strong_share_foreseen'],
  ['scorer', 'scorer'],
  ['embeddingCache', 'embedding_cache'],
  ['attempts', 'attempts'],
  ['stream', 'stream'],
  ['status', 'status'],
  ['error', 'error'],
  ['promptTokens', 'prompt_tokens'],
  ['completionTokens', 'completion_tokens'],
  ['cachedTokens', 'cached_tokens'],
  ['cost', 'cost'],
  ['costStrong', 'cost_strong'],
  ['costWeak', 'cost_weak'],
  ['overheadMs', 'overhead_ms'],
  ['embeddingMs', 'embedding_ms'],
  ['scoringMs', 'scoring_ms'],
  ['upstreamMs', 'upstream_ms'],
  ['firstTokenMs', 'first_token_ms'],
  ['totalMs', 'total_ms'],
  ['prompt', 'prompt'],
];

/** Returns a row as JSON with its candidates, as the answer about one decision has it. */
export function explainedDecisionJson(row: Row): Record<string, unknown> {
  const candidates = parseJson(row['candidates']);
  return {
    ...decisionJson(row),
    ...(candidates !== undefined && { candidates }),
  };
}

/** Returns a row as JSON, as lists have it. */
export function decisionJson(row: Row): Record<string, unknown> {
  const known = FIELDS.filter(([column]) => row[column] !== undefined);
  return {
    object: 'decision',
    request_id: row['requestId'],
    created_at: Math.floor(Date.parse(String(row['at'])) / 1_000),
    ...Object.fromEntries(known.map(([column, field]) => [field, row[column]])),
  };
}
