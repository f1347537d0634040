import { useMemo, useState } from 'preact/hooks';
import type { Sums } from './api.ts';
import { count, exactRate, percent, rate, usd } from './base/format.ts';
import { Chart } from './charts/chart.tsx';
import type { Area, Series } from './charts/use-plot.ts';
import { asRouted, atThreshold, isStrongAt, type Outcome } from './what-if.ts';

const BINS = 100;

/** Returns the hundredths that have requests or the threshold, with some margin, and their range. */
function binsOf(compared: Sums['compared'], threshold: number) {
  const shown = [threshold, ...compared.map((bin) => bin.win_rate)];
  const from = Math.max(0, Math.floor(Math.min(...shown) * BINS) - 5);
  const to = Math.min(BINS, Math.ceil(Math.max(...shown) * BINS) + 6);
  const starts = Array.from({ length: to - from }, (_, bin) => (from + bin) / BINS);
  return {
    starts,
    middles: starts.map((start) => start + 0.5 / BINS),
    range: [from / BINS, to / BINS] as const,
  };
}

/** The win rates in a range, and the effect that another threshold would have had. */
export function WinRates({ total }: { readonly total: Sums }) {
  const { compared, thresholds } = total;
  const usual = thresholds[0]?.threshold;
  const [chosen, setChosen] = useState<number>();
  const threshold = chosen ?? usual ?? 0.5;
  const { starts, middles, range } = useMemo(
    () => binsOf(compared, usual ?? 0.5),
    [compared, usual],
  );
  const series = useMemo(
    () => seriesOf(compared, starts, threshold),
    [compared, starts, threshold],
  );
  if (usual === undefined) return <NothingCompared />;
  const now = asRouted(compared);
  const then = atThreshold(compared, threshold);
  return (
    <Chart
      title="Win rates, and another threshold"
      summary={`${count(now.requests)} requests whose win rate was compared with a threshold.`}
      xs={middles}
      xName="Win rate from"
      xRange={range}
      isTime={false}
      isWhole
      formatX={(middle) => rate(middle - 0.5 / BINS)}
      series={series}
      format={count}
      over={(area) => (
        <Handle area={area} range={range} threshold={threshold} then={then} onChange={setChosen} />
      )}
      aside={
        chosen !== undefined && (
          <button type="button" class="quiet" onClick={() => setChosen(undefined)}>
            Back to {exactRate(usual)}
          </button>
        )
      }
    >
      <p class="muted">
        Drag the line, or focus it and use the arrow keys. Prompts whose win rate reaches the
        threshold go to the strong model. {usedThresholds(thresholds, now.requests)}
      </p>
      <Comparison now={now} then={then} threshold={threshold} />
    </Chart>
  );
}

function usedThresholds(thresholds: Sums['thresholds'], requests: number): string {
  const [first] = thresholds;
  if (first === undefined) return '';
  const share = percent(first.requests / requests);
  return thresholds.length === 1
    ? `All were compared with ${exactRate(first.threshold)}.`
    : `${share} were compared with ${exactRate(first.threshold)}, the rest with other thresholds.`;
}

function seriesOf(
  compared: Sums['compared'],
  starts: readonly number[],
  threshold: number,
): readonly Series[] {
  const counts = new Map(compared.map(({ win_rate, requests }) => [win_rate, requests]));
  const side = (isStrong: boolean) =>
    starts.map((start) =>
      isStrongAt(start, threshold) === isStrong ? (counts.get(start) ?? 0) : null,
    );
  return [
    { label: 'To the weak model', color: '--weak', shape: 'bars', values: side(false) },
    { label: 'To the strong model', color: '--strong', shape: 'bars', values: side(true) },
  ];
}

type HandleProps = {
  readonly area: Area;
  readonly range: readonly [number, number];
  readonly threshold: number;
  readonly then: Outcome;
  readonly onChange: (threshold: number) => void;
};

/** The threshold as a line over the plot, which can be dragged or moved with the arrow keys. */
function Handle({ area, range, threshold, then, onChange }: HandleProps) {
  const [least, most] = range;
  const set = (value: number) =>
    onChange(Math.round(Math.max(least, Math.min(most, value)) * 100) / 100);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -0.01, ArrowDown: -0.01, ArrowRight: 0.01, ArrowUp: 0.01 }[event.key];
    const far = { PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 }[event.key];
    const change = step ?? far;
    if (change === undefined) return;
    event.preventDefault();
    set(threshold + change);
  };
  const drag = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (event.buttons === 0) return;
    const { left } = event.currentTarget.parentElement?.getBoundingClientRect() ?? { left: 0 };
    set(least + ((event.clientX - left - area.left) / area.width) * (most - least));
  };
  return (
    <div
      role="slider"
      tabIndex={0}
      class="threshold"
      style={{
        left: `${area.left + ((threshold - least) / (most - least)) * area.width}px`,
        height: `${area.bottom}px`,
      }}
      aria-label="Threshold"
      aria-valuemin={least}
      aria-valuemax={most}
      aria-valuenow={threshold}
      aria-valuetext={`${exactRate(threshold)}: ${percent(then.strong / then.requests)} to the strong model, ${usd(then.cost)}`}
      onKeyDown={move}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
    >
      <output>{exactRate(threshold)}</output>
    </div>
  );
}

type ComparisonProps = {
  readonly now: Outcome;
  readonly then: Outcome;
  readonly threshold: number;
};

function Comparison({ now, then, threshold }: ComparisonProps) {
  const savings = ({ cost }: Outcome) => (now.costStrong === 0 ? null : 1 - cost / now.costStrong);
  const rows = [
    {
      name: 'To the strong model',
      value: ({ strong, requests }: Outcome) => percent(strong / requests),
    },
    { name: 'Requests to it', value: ({ strong }: Outcome) => count(strong) },
    { name: 'Cost', value: ({ cost }: Outcome) => usd(cost) },
    { name: 'Saved compared with always strong', value: (one: Outcome) => percent(savings(one)) },
  ];
  return (
    <table class="compact what-if">
      <caption class="hidden">The effect of another threshold</caption>
      <thead>
        <tr>
          <th scope="col">With</th>
          <th scope="col">actual thresholds</th>
          <th scope="col">{exactRate(threshold)} for all</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, value }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value(now)}</td>
            <td>{value(then)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NothingCompared() {
  return (
    <section class="card">
      <h2>Win rates</h2>
      <p class="muted">No request in this range had its win rate compared with a threshold.</p>
    </section>
  );
}
