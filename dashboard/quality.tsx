import type { Sums } from './api.ts';
import { count, percent, rate } from './base/format.ts';

/** The router warns above the same limit (`prompts-drifted`). */
const MAX_DRIFT = 0.2;
const MIN_REQUESTS = 300;

/** The ratings of users and judges, and whether the calibration still holds. */
export function Quality({ total }: { readonly total: Sums }) {
  const { quality, drift } = total;
  return (
    <section class="charts" aria-label="Quality">
      <div class="card">
        <h2>Quality of weak answers</h2>
        {quality.outcomes === 0 ? (
          <p class="muted">
            No answer has been rated yet. Rate answers with <code>POST /llm/outcomes</code>, or in a
            decision opened here.
          </p>
        ) : (
          <Interval {...quality} />
        )}
      </div>
      <div class="card">
        <h2>Drift from the calibration</h2>
        {drift === null ? (
          <p class="muted">No request was scored with a calibration.</p>
        ) : (
          <Gauge
            requests={total.requests}
            value={drift}
            limit={MAX_DRIFT}
            text={rate(drift)}
            calm="Live prompts resemble the calibration's: the strong share holds."
            alarm="Live prompts differ from the calibration's: calibrate on the decisions."
          />
        )}
      </div>
    </section>
  );
}

function Interval({
  outcomes,
  bad = 0,
  strong_would_have_won_at_least: least = 0,
  strong_would_have_won_at_most: most = 1,
}: Sums['quality']) {
  const share = bad / outcomes;
  const x = (value: number) => 10 + 280 * value;
  return (
    <>
      <p class="value">
        ≤ {percent(most)} <small>would be better with the strong model</small>
      </p>
      <svg class="interval" viewBox="0 0 300 24" aria-hidden="true">
        <line class="rail" x1={10} x2={290} y1={12} y2={12} />
        <line class="span" x1={x(least)} x2={x(most)} y1={12} y2={12} />
        <circle cx={x(share)} cy={12} r={5} />
      </svg>
      <p class="muted">
        {count(bad)} of {count(outcomes)} judged answers were bad: {percent(share)}, between{' '}
        {percent(least)} and {percent(most)} with 95% confidence on each side.
      </p>
    </>
  );
}

type GaugeProps = {
  readonly requests: number;
  readonly value: number;
  readonly limit: number;
  readonly text: string;
  readonly calm: string;
  readonly alarm: string;
};

function Gauge({ requests, value, limit, text, calm, alarm }: GaugeProps) {
  const isEnough = requests >= MIN_REQUESTS;
  const isHigh = isEnough && value > limit;
  const x = (one: number) => 10 + 280 * Math.min(1, one / (2 * limit));
  return (
    <>
      <p class={`value ${isHigh ? 'warning' : ''}`}>
        {isHigh && <span aria-hidden="true">▲ </span>}
        {text} <small>limit {limit < 0.2 ? percent(limit) : rate(limit)}</small>
      </p>
      <svg class={`interval ${isHigh ? 'high' : ''}`} viewBox="0 0 300 24" aria-hidden="true">
        <line class="rail" x1={10} x2={290} y1={12} y2={12} />
        <line class="span" x1={10} x2={x(value)} y1={12} y2={12} />
        <line class="limit" x1={x(limit)} x2={x(limit)} y1={4} y2={20} />
      </svg>
      <p class="muted">
        {isEnough
          ? isHigh
            ? alarm
            : calm
          : `Fewer than ${MIN_REQUESTS} requests: too few to judge.`}
      </p>
    </>
  );
}
