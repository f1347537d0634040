import { useMemo } from 'preact/hooks';
import type { Sums } from './api.ts';
import { count, dayAndClock, percent, usd } from './base/format.ts';
import { Chart } from './charts/chart.tsx';
import type { Series } from './charts/use-plot.ts';
import type { Overall } from './use-stats.ts';

export function formatStart(seconds: number): string {
  return dayAndClock(seconds * 1_000);
}

/** Returns the value of each step; 0 where there were no requests. */
export function valuesOf(
  steps: Overall['steps'],
  value: (sums: Sums) => number | null,
): readonly (number | null)[] {
  return steps.map((sums) => (sums === undefined ? 0 : value(sums)));
}

const TIME = { xName: 'From', formatX: formatStart } as const;

export function Money({ starts, steps, total }: Overall) {
  const series = useMemo<readonly Series[]>(
    () => [
      {
        label: 'Always strong',
        color: '--strong',
        shape: 'line',
        dash: [6, 4],
        values: valuesOf(steps, (sums) => sums.cost_always_strong),
      },
      {
        label: 'Routed',
        color: '--routed',
        shape: 'area',
        values: valuesOf(steps, (sums) => sums.cost_compared),
      },
      {
        label: 'Always weak',
        color: '--weak',
        shape: 'line',
        dash: [2, 3],
        values: valuesOf(steps, (sums) => sums.cost_always_weak),
      },
    ],
    [steps],
  );
  return (
    <Chart
      {...TIME}
      title="What it cost"
      summary={`${usd(total.cost_compared)} in all, ${usd(total.cost_always_strong)} with only the strong model.`}
      xs={starts}
      series={series}
      format={usd}
    />
  );
}

export function Traffic({ starts, steps, total }: Overall) {
  const series = useMemo<readonly Series[]>(() => {
    const all = valuesOf(steps, (sums) => sums.requests);
    const strong = valuesOf(steps, (sums) => Math.round((sums.strong_share ?? 0) * sums.requests));
    const others = all.map((value, step) => (value ?? 0) - (strong[step] ?? 0));
    return [
      { label: 'Strong', color: '--strong', shape: 'bars', values: strong, drawn: all },
      { label: 'Others', color: '--weak', shape: 'bars', values: others },
    ];
  }, [steps]);
  return (
    <Chart
      {...TIME}
      title="Answers by model"
      summary={`${count(total.requests)} requests.`}
      xs={starts}
      series={series}
      format={count}
      isWhole
    />
  );
}

/** The strong share of requests whose win rate was compared with a calibrated threshold. */
export function StrongShare({ starts, steps, total }: Overall) {
  const series = useMemo<readonly Series[]>(() => {
    const shares = (name: 'strong_share' | 'foreseen') =>
      steps.map((sums) => sums?.strong_share_foreseen[name] ?? null);
    return [
      {
        label: 'To the strong model',
        color: '--strong',
        shape: 'area',
        values: shares('strong_share'),
      },
      { label: 'Target', color: '--text', shape: 'line', dash: [6, 4], values: shares('foreseen') },
    ];
  }, [steps]);
  const { strong_share: share, foreseen } = total.strong_share_foreseen;
  return (
    <Chart
      {...TIME}
      title="Strong share and its target"
      summary={`${percent(share)} went to the strong model, ${percent(foreseen)} were expected by the calibration.`}
      xs={starts}
      series={series}
      format={percent}
    />
  );
}

export function Failures({ starts, steps, total }: Overall) {
  const series = useMemo<readonly Series[]>(
    () => [
      {
        label: 'Errors',
        color: '--bad',
        shape: 'line',
        values: valuesOf(steps, (sums) => sums.errors),
      },
      {
        label: 'Fallbacks',
        color: '--routed',
        shape: 'line',
        dash: [6, 4],
        values: valuesOf(steps, (sums) => sums.fallbacks),
      },
    ],
    [steps],
  );
  return (
    <Chart
      {...TIME}
      title="Errors and fallbacks"
      summary={`${count(total.errors)} errors, ${count(total.fallbacks)} fallbacks.`}
      xs={starts}
      series={series}
      format={count}
      isWhole
    />
  );
}
