import { setImmediate } from 'node:timers/promises';
import { untilAborted } from '../base/deadline.ts';
import { HttpError } from '../base/errors.ts';
import { errorKind, type Log } from '../base/log.ts';
import type { Interval, ScoringTimes } from '../decisions/scoring-times.ts';
import type { Scorer, Scores } from '../matrix-factorization/scorer.ts';
import type { GetPromptEmbedding, PromptEmbedding } from '../prompt-embedding/prompt-embedding.ts';

/** The scores of a prompt, or the reason why it has none. */
export type ScoredPrompt = {
  readonly embeddingCache: PromptEmbedding['cache'];
  /** The times of a prompt that was scored alone; undefined in a batch. */
  readonly times: ScoringTimes | undefined;
} & (
  | { readonly scores: Scores }
  | { readonly failure: 'embedding-unavailable' | 'scorer-unavailable' }
);

/** Both functions throw only when the signal is aborted before the prompts are embedded. */
export type ScorePrompts = {
  one(text: string, signal: AbortSignal): Promise<ScoredPrompt>;
  all(texts: readonly string[], signal: AbortSignal): Promise<ScoredPrompt[]>;
};

type ScoreOptions = {
  readonly scorer: Pick<Scorer, 'score'>;
  readonly getPromptEmbedding: GetPromptEmbedding;
  readonly log: Log;
};

/** Prompts scored in one run, whose embeddings are held meanwhile: 3 MB of the local embedder's. */
const BATCH_SIZE = 64;

/** Enough to keep an embedding deployment busy, and too few to reach its rate limit immediately. */
const CONCURRENCY = 8;

/** Embeds prompts and scores them. */
export function createScorePrompts(options: ScoreOptions): ScorePrompts {
  const { scorer, getPromptEmbedding, log } = options;

  // A failed embedding or score must not fail a request that the strong model can answer.
  async function embed(text: string, signal: AbortSignal): Promise<PromptEmbedding | undefined> {
    let embedded: PromptEmbedding | undefined;
    try {
      const found = getPromptEmbedding(text);
      // Other requests may wait for the same embedding: the signal ends this wait, and not the call.
      embedded = found instanceof Promise ? await untilAborted(found, signal) : found;
    } catch (error) {
      log('warning', 'embedding-failed', { error: errorKind(error) });
    }
    if (signal.aborted) throw endOf(signal);
    return embedded;
  }

  async function scoreAll(embedded: readonly PromptEmbedding[]): Promise<(Scores | undefined)[]> {
    try {
      const scores = await scorer.score(embedded.map(({ embedding }) => embedding));
      if (scores.includes(undefined)) log('warning', 'scoring-failed', { error: 'NaN' });
      return scores;
    } catch (error) {
      log('warning', 'scoring-failed', { error: errorKind(error) });
      return [];
    }
  }

  async function scoreBatch(
    embedded: readonly (PromptEmbedding | undefined)[],
  ): Promise<ScoredPrompt[]> {
    const known = embedded.filter((one) => one !== undefined);
    const scores = (known.length === 0 ? [] : await scoreAll(known)).values();
    return embedded.map((one) => toScored(one, one && scores.next().value));
  }

  return {
    one: async (text, signal) => {
      const from = performance.now();
      const embedded = await embed(text, signal);
      const embeddedAt = performance.now();
      const embedding: Interval = [from, embeddedAt];
      if (embedded === undefined) return toScored(embedded, undefined, { embedding });
      const [scores] = await scoreAll([embedded]);
      const scoring: Interval = [embeddedAt, performance.now()];
      return toScored(embedded, scores, { embedding, scoring });
    },
    all: async (texts, signal) => {
      const scored: ScoredPrompt[] = [];
      for (let first = 0; first < texts.length; first += BATCH_SIZE) {
        const batch = texts.slice(first, first + BATCH_SIZE);
        scored.push(...(await scoreBatch(await mapInTurns(batch, (text) => embed(text, signal)))));
      }
      return scored;
    },
  };
}

function toScored(
  embedded: PromptEmbedding | undefined,
  scores: Scores | undefined,
  times?: ScoringTimes,
): ScoredPrompt {
  if (embedded === undefined) {
    return { embeddingCache: 'none', times, failure: 'embedding-unavailable' };
  }
  const { cache: embeddingCache } = embedded;
  if (scores === undefined) return { embeddingCache, times, failure: 'scorer-unavailable' };
  return { embeddingCache, times, scores };
}

/** Maps up to CONCURRENCY items at a time, and lets other requests run between them. */
async function mapInTurns<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const entries = items.entries();
  async function work(): Promise<void> {
    for (const [index, item] of entries) {
      await setImmediate();
      results[index] = await map(item);
    }
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, work));
  return results;
}

/** The reason why the wait ended: the call ended, or its time was over. */
function endOf({ reason }: AbortSignal): HttpError {
  return reason instanceof HttpError ? reason : new DecisionTimeoutError();
}

/** The request's time was over before its prompts were embedded. */
class DecisionTimeoutError extends HttpError {
  constructor() {
    super(
      'The prompt could not be embedded within REQUEST_TIMEOUT_MS. Send the request again, with fewer prompts if it had many, or lower EMBEDDING_TIMEOUT_MS.',
      { status: 504, type: 'server_error', code: 'decision_timeout' },
    );
  }
}
