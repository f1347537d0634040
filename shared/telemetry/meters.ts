import type { Attributes, Histogram, Meter } from '@opentelemetry/api';
import type { CallEnd } from '../calls/telemetry.ts';
import type { DecisionRecord } from '../decisions/decision-record.ts';
import type { Interval, ScoringTimes } from '../decisions/scoring-times.ts';

/** The metrics of requests. */
export type Meters = {
  request(attributes: Attributes, seconds: number): void;
  call(attributes: Attributes, end: CallEnd, seconds: number): void;
  firstChunk(attributes: Attributes, seconds: number): void;
  decided(decision: DecisionRecord, times: ScoringTimes | undefined): void;
};

/** The bucket boundaries of the GenAI conventions: powers of two of 10 ms, and powers of four of a token. */
const SECONDS = Array.from({ length: 14 }, (_, power) => 0.01 * 2 ** power);
const TOKENS = Array.from({ length: 14 }, (_, power) => 4 ** power);
/** The bucket boundaries of work that takes microseconds. */
const SHORT_SECONDS = Array.from({ length: 14 }, (_, power) => 0.0001 * 2 ** power);
const SHARES = Array.from({ length: 19 }, (_, index) => (index + 1) / 20);

/**
 * The metrics of the GenAI conventions (https://github.com/open-telemetry/semantic-conventions-genai),
 * and the router's own, whose names begin with `smart_router`. Times are in seconds, money in USD.
 */
export function createMeters(meter: Meter): Meters {
  const histogram = (name: string, unit: string, boundaries: number[]) =>
    meter.createHistogram(name, { unit, advice: { explicitBucketBoundaries: boundaries } });
  const requests = histogram('http.server.request.duration', 's', SECONDS);
  const calls = histogram('gen_ai.client.operation.duration', 's', SECONDS);
  const firstChunks = histogram('gen_ai.client.operation.time_to_first_chunk', 's', SECONDS);
  const tokens = histogram('gen_ai.client.token.usage', '{token}', TOKENS);
  const overhead = histogram('smart_router.overhead.duration', 's', SHORT_SECONDS);
  const embedding = histogram('smart_router.embedding.duration', 's', SHORT_SECONDS);
  const scoring = histogram('smart_router.scoring.duration', 's', SHORT_SECONDS);
  const winRates = histogram('smart_router.score', '1', SHARES);
  const thresholds = histogram('smart_router.threshold', '1', SHARES);
  const decisions = meter.createCounter('smart_router.decision', { unit: '{decision}' });
  const lookups = meter.createCounter('smart_router.cache.lookup', { unit: '{lookup}' });
  const fallbacks = meter.createCounter('smart_router.fallback', { unit: '{fallback}' });
  const cost = meter.createCounter('smart_router.cost', { unit: '{USD}' });
  // It can also go down: an answer may cost more than the strong model's would have.
  const savings = meter.createUpDownCounter('smart_router.savings', { unit: '{USD}' });

  function countTokens(attributes: Attributes, { usage }: CallEnd): void {
    const counts = { input: usage?.prompt, output: usage?.completion };
    for (const [type, count] of Object.entries(counts)) {
      if (count !== undefined) tokens.record(count, { ...attributes, 'gen_ai.token.type': type });
    }
  }

  function countMoney(attributes: Attributes, decision: DecisionRecord): void {
    if (decision.cost === undefined) return;
    cost.add(decision.cost, attributes);
    if (decision.costStrong !== undefined) {
      savings.add(decision.costStrong - decision.cost, attributes);
    }
  }

  return {
    request: (attributes, seconds) => requests.record(seconds, attributes),
    call: (attributes, end, seconds) => {
      calls.record(seconds, {
        ...attributes,
        ...(end.error !== undefined && { 'error.type': end.error }),
      });
      countTokens(attributes, end);
    },
    firstChunk: (attributes, seconds) => firstChunks.record(seconds, attributes),
    decided: (decision, times) => {
      const { tier, reason, deployment, useCase, winRate, threshold, embeddingCache } = decision;
      const of = { ...(useCase !== undefined && { 'smart_router.use_case': useCase }) };
      const chosen = { ...of, 'smart_router.tier': tier, 'smart_router.deployment': deployment };
      decisions.add(1, { ...chosen, 'smart_router.reason': reason });
      if (reason === 'fallback') fallbacks.add(1, chosen);
      if (embeddingCache !== 'none') lookups.add(1, { 'smart_router.result': embeddingCache });
      measure(winRates, winRate, of);
      measure(thresholds, threshold, of);
      countMoney(chosen, decision);
      overhead.record(decision.overheadMs / 1_000, of);
      measure(embedding, secondsOf(times?.embedding));
      measure(scoring, secondsOf(times?.scoring));
    },
  };
}

function secondsOf(interval: Interval | undefined): number | undefined {
  return interval && (interval[1] - interval[0]) / 1_000;
}

function measure(histogram: Histogram, value: number | undefined, attributes: Attributes = {}) {
  if (value !== undefined) histogram.record(value, attributes);
}
