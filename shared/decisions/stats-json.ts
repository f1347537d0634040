import { type Histogram, percentile } from './histogram.ts';
import { BINS, driftOf, FINE_BINS, type Sums } from './sums.ts';

/** Standard deviations of a one-sided confidence of 95%. */
const Z = 1.645;

/** Returns sums as JSON; `bad` of the `weak` model's judged answers were bad. */
export function statsJson(sums: Sums, weak: number, bad: number): Record<string, unknown> {
  const { requests, comparedCost, costStrong, costWeak } = sums;
  return {
    requests,
    errors: sums.errors,
    fallbacks: sums.fallbacks,
    strong_share: ratio(sums.strong, requests),
    strong_share_foreseen: {
      requests: sums.foreseen,
      strong_share: ratio(sums.foreseenStrong, sums.foreseen),
      foreseen: ratio(sums.foreseenShares, sums.foreseen),
    },
    prompt_tokens: sums.promptTokens,
    completion_tokens: sums.completionTokens,
    cached_tokens: sums.cachedTokens,
    cost: sums.cost,
    cost_compared: comparedCost,
    cost_always_strong: costStrong,
    cost_always_weak: costWeak,
    savings: costStrong - comparedCost,
    savings_share: ratio(costStrong - comparedCost, costStrong),
    cache_hit_rate: ratio(sums.cacheHits, sums.cacheHits + sums.cacheMisses),
    embedding_cache: cacheJson(sums),
    win_rate_histogram: Array.from({ length: BINS }, (_, bin) => sums.winRates[bin] ?? 0),
    compared: comparedJson(sums),
    thresholds: thresholdsJson(sums),
    drift: driftOf(sums) ?? null,
    total_ms: latencies(sums.totalMs),
    overhead_ms: latencies(sums.overheadMs),
    embedding_ms: latencies(sums.embeddingMs),
    upstream_ms: latencies(sums.upstreamMs),
    first_token_ms: latencies(sums.firstTokenMs),
    quality: qualityJson(weak, bad),
  };
}

function ratio(a: number, b: number): number | null {
  return b === 0 ? null : a / b;
}

function latencies(histogram: Histogram): Record<string, number | null> {
  return Object.fromEntries(
    [0.5, 0.9, 0.99].map((share) => [`p${share * 100}`, percentile(histogram, share) ?? null]),
  );
}

/** Estimates the time saved by the cache: the average time of a miss for each hit. */
function cacheJson({ cacheHits, cacheMisses, missMs }: Sums): Record<string, number> {
  const saved = cacheMisses === 0 ? 0 : (missMs / cacheMisses) * cacheHits;
  return { hits: cacheHits, misses: cacheMisses, saved_ms: saved };
}

/** Returns what another threshold would change, by hundredth of the win rates that were compared. */
function comparedJson(sums: Sums): readonly Record<string, number>[] {
  return Object.entries(sums.compared)
    .map(([bin, requests]) => ({
      win_rate: Number(bin) / FINE_BINS,
      requests,
      strong: sums.comparedStrong[bin] ?? 0,
      priced: sums.priced[bin] ?? 0,
      cost_strong: sums.pricedStrong[bin] ?? 0,
      cost_weak: sums.pricedWeak[bin] ?? 0,
    }))
    .toSorted((a, b) => a.win_rate - b.win_rate);
}

/** Returns the thresholds in use, the most frequent first. */
function thresholdsJson({ thresholds }: Sums): readonly Record<string, number>[] {
  return Object.entries(thresholds)
    .map(([threshold, requests]) => ({ threshold: Number(threshold), requests }))
    .toSorted((a, b) => b.requests - a.requests);
}

/** Returns Wilson's bounds of the share that the strong model would have won, each with 95% confidence. */
function qualityJson(weak: number, bad: number): Record<string, unknown> {
  if (weak === 0) return { outcomes: 0 };
  const share = bad / weak;
  const squared = Z ** 2;
  const middle = share + squared / (2 * weak);
  const spread = Z * Math.sqrt((share * (1 - share)) / weak + squared / (4 * weak ** 2));
  const bound = (sign: 1 | -1) => (middle + sign * spread) / (1 + squared / weak);
  return {
    outcomes: weak,
    bad,
    strong_would_have_won_at_least: Math.max(0, bound(-1)),
    strong_would_have_won_at_most: Math.min(1, bound(1)),
  };
}
