import type { Tokens } from '../spending/cost.ts';

/** What was decided on a request, and what came of it; what was asked only where the operator keeps texts. */
export type DecisionRecord = {
  readonly requestId: string;
  /** When it was answered; since 1970, in ms. */
  readonly at: number;
  readonly caller?: string | undefined;
  readonly useCase?: string | undefined;
  /** What was scored, redacted. */
  readonly prompt?: string | undefined;
  readonly threadId?: string | undefined;
  /** In a thread: `initialize`, `retain` or `switch`. */
  readonly session?: string | undefined;
  readonly deployment: string;
  readonly selectedModel: string;
  readonly tier: 'strong' | 'weak' | 'direct';
  readonly reason: string;
  /** The strongest that could have answered, as users are told. */
  readonly strongModel?: string | undefined;
  /** The scorer's names of the strongest and of the cheapest of the others. */
  readonly scorerStrong?: string | undefined;
  readonly scorerWeak?: string | undefined;
  readonly winRate?: number | undefined;
  readonly percentile?: number | undefined;
  readonly threshold?: number | undefined;
  /** The share of the calibration's prompts that goes to the strong model at this threshold, 0 to 1. */
  readonly strongShareForeseen?: number | undefined;
  readonly distance?: number | undefined;
  /** The prompt is unlike the scorer's training data: it is beyond the scorer's limit. */
  readonly isOutside?: boolean | undefined;
  readonly scorer?: string | undefined;
  /** The deployments that were looked at, as `routing.explain` gives them; asked for only where they are kept. */
  readonly candidates?: (() => readonly object[] | undefined) | undefined;
  readonly embeddingCache: string;
  /** `weak;429, strong;200`. */
  readonly attempts: string;
  readonly stream: boolean;
  /** Of the answer. */
  readonly status: number;
  /** What broke it off, if something did. */
  readonly error?: string | undefined;
  readonly tokens?: Tokens | undefined;
  /** USD: of the answer, and of as many tokens with the strongest and the cheapest that could have given it. */
  readonly cost?: number | undefined;
  readonly costStrong?: number | undefined;
  readonly costWeak?: number | undefined;
  /** The router's own time, of which the embedding and the scoring, the deployments', and all of it. */
  readonly overheadMs: number;
  readonly embeddingMs?: number | undefined;
  readonly scoringMs?: number | undefined;
  readonly upstreamMs?: number | undefined;
  /** Of a stream: from the request to the first content. */
  readonly firstTokenMs?: number | undefined;
  readonly totalMs: number;
};

type Row = Readonly<Record<string, unknown>>;

/** A column takes 32,000 characters. */
const MAX_CANDIDATES = 50;

/** A column each; what is not known has none. */
export function toColumns({ tokens, at, candidates, ...record }: DecisionRecord): Row {
  const known = Object.entries(record).filter(([, value]) => value !== undefined);
  const listed = candidates?.();
  return {
    ...Object.fromEntries(known),
    at: new Date(at).toISOString(),
    ...(tokens && { promptTokens: tokens.prompt, completionTokens: tokens.completion }),
    ...(tokens?.cached !== undefined && { cachedTokens: tokens.cached }),
    ...(listed && { candidates: JSON.stringify(listed.slice(0, MAX_CANDIDATES)) }),
  };
}

/** The names that the columns have in an answer, in its order. */
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
  ['winRate', 'win_rate'],
  ['percentile', 'percentile'],
  ['threshold', 'threshold'],
  ['strongShareForeseen', 'strong_share_foreseen'],
  ['distance', 'distance'],
  ['isOutside', 'out_of_distribution'],
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

/** A row as it is answered alone: with the deployments that were looked at. */
export function explainedDecisionJson(row: Row): Record<string, unknown> {
  const { candidates } = row;
  return {
    ...decisionJson(row),
    ...(candidates !== undefined && { candidates: JSON.parse(String(candidates)) }),
  };
}

/** A row as it is answered in a list. */
export function decisionJson(row: Row): Record<string, unknown> {
  const known = FIELDS.filter(([column]) => row[column] !== undefined);
  return {
    object: 'decision',
    request_id: row['requestId'],
    created_at: Math.floor(Date.parse(String(row['at'])) / 1_000),
    ...Object.fromEntries(known.map(([column, field]) => [field, row[column]])),
  };
}
