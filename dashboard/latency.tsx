import { useMemo, useState } from 'preact/hooks';
import type { Sums } from './api.ts';
import { duration } from './base/format.ts';
import { Chart } from './charts/chart.tsx';
import type { Series } from './charts/use-plot.ts';
import { formatStart } from './over-time.tsx';
import type { Overall } from './use-stats.ts';

const MEASURES = {
  overhead_ms: 'Own',
  embedding_ms: 'Embedding',
  upstream_ms: 'Upstream',
  first_token_ms: 'First token',
  total_ms: 'Whole',
} as const;
type Measure = keyof typeof MEASURES;

const PERCENTILES = [
  { name: 'p50', label: '50%', dash: [], color: '--weak' },
  { name: 'p90', label: '90%', dash: [6, 4], color: '--routed' },
  { name: 'p99', label: '99%', dash: [2, 3], color: '--strong' },
] as const;

/** Percentiles of times: one measure over time, and all measures over the whole range. */
export function Latency({ starts, steps, total }: Overall) {
  const [measure, setMeasure] = useState<Measure>('overhead_ms');
  const series = useMemo<readonly Series[]>(
    () =>
      PERCENTILES.map(({ name, label, dash, color }) => ({
        label,
        color,
        dash,
        shape: 'line',
        values: steps.map((sums) => sums?.[measure][name] ?? null),
      })),
    [steps, measure],
  );
  return (
    <Chart
      title="Latency"
      summary={`${MEASURES[measure]} time, half of them within ${duration(total[measure].p50)}.`}
      xs={starts}
      xName="From"
      formatX={formatStart}
      series={series}
      format={duration}
      aside={
        <label class="measure">
          <span class="hidden">Measure</span>
          <select
            value={measure}
            onChange={({ currentTarget }) => setMeasure(currentTarget.value as Measure)}
          >
            {Object.entries(MEASURES).map(([name, title]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
      }
    >
      <Percentiles total={total} />
    </Chart>
  );
}

function Percentiles({ total }: { readonly total: Sums }) {
  return (
    <table class="compact">
      <caption class="hidden">Percentiles over the whole range</caption>
      <thead>
        <tr>
          <th scope="col">Within</th>
          {PERCENTILES.map(({ label, name }) => (
            <th key={name} scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Object.entries(MEASURES).map(([name, title]) => (
          <tr key={name}>
            <th scope="row">{title}</th>
            {PERCENTILES.map((one) => (
              <td key={one.name}>{duration(total[name as Measure][one.name])}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
