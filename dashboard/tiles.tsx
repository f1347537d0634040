import type { ComponentChildren } from 'preact';
import type { Sums } from './api.ts';
import { count, duration, percent, usd } from './base/format.ts';

/** The main figures of a range, the most important ones first. */
export function Tiles({ total }: { readonly total: Sums }) {
  const { strong_share_foreseen: foreseen, embedding_cache: cache, overhead_ms: own } = total;
  return (
    <dl class="tiles">
      <Tile name="Saved" value={usd(total.savings)} kind="main">
        {percent(total.savings_share)} less than {usd(total.cost_always_strong)} with only the
        strong model
      </Tile>
      <Tile name="Cost" value={usd(total.cost)}>
        with only the weak model: {usd(total.cost_always_weak)}
      </Tile>
      <Tile name="Requests" value={count(total.requests)}>
        {count(total.prompt_tokens + total.completion_tokens)} tokens
      </Tile>
      <Tile name="Strong share" value={percent(total.strong_share)}>
        {foreseen.requests === 0
          ? 'no request was compared with a calibrated threshold'
          : `target ${percent(foreseen.foreseen)}, ${percent(foreseen.strong_share)} of the compared requests`}
      </Tile>
      <Tile name="Own time, median" value={duration(own.p50)}>
        99% within {duration(own.p99)}
      </Tile>
      <Tile name="Errors" value={count(total.errors)} kind={total.errors > 0 ? 'warning' : ''}>
        {percent(total.errors / total.requests)} of requests; {count(total.fallbacks)} fell back
      </Tile>
      <Tile name="Embedding cache" value={percent(total.cache_hit_rate)}>
        {cache.hits + cache.misses === 0
          ? 'embedded locally: no calls to save'
          : `${count(cache.hits)} calls saved, ${duration(cache.saved_ms)} of waiting; ${count(cache.misses)} made`}
      </Tile>
    </dl>
  );
}

type TileProps = {
  readonly name: string;
  readonly value: string;
  readonly kind?: string;
  readonly children: ComponentChildren;
};

function Tile({ name, value, kind = '', children }: TileProps) {
  return (
    <div class={`card tile ${kind}`}>
      <dt>{name}</dt>
      <dd class="value">{value}</dd>
      <dd class="muted">{children}</dd>
    </div>
  );
}
