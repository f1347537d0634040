import type { Decision } from './api.ts';
import { dayAndClock, duration, exactClock, NONE, ofPrompts, rate, usd } from './base/format.ts';
import { Link } from './link.tsx';
import type { PageProps } from './page.ts';
import { reasonPhrase } from './phrases.ts';

type DecisionTableProps = Pick<PageProps, 'view' | 'go'> & {
  readonly decisions: readonly Decision[];
};

export function DecisionTable({ view, go, decisions }: DecisionTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard.
    <section class="scroll" tabIndex={0} aria-label="Decisions, newest first">
      <table class="decisions">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Answered by</th>
            <th scope="col">Reason</th>
            <th scope="col">Harder than</th>
            <th scope="col" class="wide">
              Win rate
            </th>
            <th scope="col" class="wide">
              Use case
            </th>
            <th scope="col">Cost</th>
            <th scope="col" class="wide">
              Took
            </th>
            <th scope="col">Feedback</th>
          </tr>
        </thead>
        <tbody>
          {decisions.map((one) => (
            <tr key={one.request_id}>
              <th scope="row">
                <Link view={view} go={go} to={{ decision: one.request_id }}>
                  <time
                    dateTime={new Date(one.created_at * 1_000).toISOString()}
                    title={dayAndClock(one.created_at * 1_000)}
                  >
                    {exactClock(one.created_at * 1_000)}
                  </time>
                  <span class="hidden">: open this decision</span>
                </Link>
              </th>
              <td>
                <Tier tier={one.tier} /> {one.selected_model}
                {one.status >= 400 && <span class="bad"> {one.status}</span>}
              </td>
              <td>{reasonPhrase(one.reason)}</td>
              <td>{ofPrompts(one.percentile)}</td>
              <td class="wide">
                <WinRate winRate={one.win_rate} threshold={one.threshold} />
              </td>
              <td class="wide">{one.use_case ?? NONE}</td>
              <td>{usd(one.cost)}</td>
              <td class="wide">{duration(one.total_ms)}</td>
              <td>{saidOf(one)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The tier by shape and colour; screen readers read its name. */
export function Tier({ tier }: { readonly tier: string }) {
  const sign = { strong: '▲', weak: '●' }[tier] ?? '◆';
  return (
    <span class={`tier ${tier}`}>
      <span aria-hidden="true">{sign}</span>
      <span class="hidden">{tier}:</span>
    </span>
  );
}

type WinRateProps = {
  readonly winRate: number | undefined;
  readonly threshold: number | undefined;
};

/** A bar up to the win rate, with the threshold as a stroke. */
export function WinRate({ winRate, threshold }: WinRateProps) {
  if (winRate === undefined) return <>{NONE}</>;
  return (
    <span class="win-rate">
      {rate(winRate)}
      <svg width="52" height="10" viewBox="0 0 52 10" aria-hidden="true">
        <rect class="rail" width="52" height="10" rx="2" />
        <rect
          class={winRate >= (threshold ?? 1) ? 'strong' : 'weak'}
          width={52 * winRate}
          height="10"
          rx="2"
        />
        {threshold !== undefined && (
          <rect class="limit" x={52 * threshold - 1} width="2" height="10" />
        )}
      </svg>
    </span>
  );
}

function saidOf({ outcomes }: Decision): string {
  const said = outcomes.map(({ verdict, score }) => verdict ?? rate(score));
  return said.length === 0 ? NONE : [...new Set(said)].join(', ');
}
