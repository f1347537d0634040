import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { type Area, type Series, usePlot } from './use-plot.ts';

export type ChartProps = {
  readonly title: string;
  /** A sentence that describes the chart to users who cannot see it. */
  readonly summary: string;
  readonly xs: readonly number[];
  readonly xName: string;
  readonly formatX: (x: number) => string;
  readonly series: readonly Series[];
  readonly format: (value: number | null | undefined) => string;
  readonly isTime?: boolean;
  /** Whether the values are counts. */
  readonly isWhole?: boolean;
  readonly xRange?: readonly [number, number];
  readonly height?: number;
  /** Content next to the title. */
  readonly aside?: ComponentChildren;
  /** Content over the plot. */
  readonly over?: (area: Area) => ComponentChildren;
  readonly children?: ComponentChildren;
};

/** A chart with its legend. The arrow keys read its values, and a table has the same figures. */
export function Chart(props: ChartProps) {
  const { title, xs, series, isTime = true, isWhole = false, height = 210, xRange, over } = props;
  const [index, setIndex] = useState<number>();
  const plot = usePlot({
    xs,
    isTime,
    isWhole,
    series,
    height,
    onCursor: setIndex,
    ...(xRange && { xRange }),
    format: (value) => props.format(value),
  });
  return (
    <figure class="card chart">
      <figcaption>
        <h2>{title}</h2>
        {props.aside}
      </figcaption>
      <Legend {...props} index={index} />
      <div class="plot">
        <Reader {...props} index={index} onPoint={plot.point}>
          <div ref={plot.frame} class="canvas" />
        </Reader>
        {plot.area && over?.(plot.area)}
      </div>
      {props.children}
      <Figures {...props} />
    </figure>
  );
}

type At = { readonly index: number | undefined };

function Legend({ series, format, xs, formatX, index }: ChartProps & At) {
  const x = index === undefined ? undefined : xs[index];
  return (
    <p class="legend">
      {series.map(({ label, color, dash, shape, values }) => (
        <span key={label}>
          <svg width="22" height="10" aria-hidden="true">
            {shape === 'bars' ? (
              <rect x="5" width="10" height="10" rx="2" fill={`var(${color})`} />
            ) : (
              <line
                x1={1}
                x2={21}
                y1={5}
                y2={5}
                stroke={`var(${color})`}
                stroke-width="2.5"
                stroke-dasharray={dash?.join(' ')}
              />
            )}
          </svg>
          {label} {index !== undefined && <b>{format(values[index])}</b>}
        </span>
      ))}
      {x !== undefined && <span class="muted">{formatX(x)}</span>}
    </p>
  );
}

/** The pointer of a chart as a slider, which it is to a keyboard and to a screen reader. */
function Reader(
  props: ChartProps &
    At & { readonly onPoint: (index: number) => void; readonly children: ComponentChildren },
) {
  const { title, summary, xs, series, format, formatX, onPoint } = props;
  const index = props.index ?? xs.length - 1;
  const read = series.map(({ label, values }) => `${label} ${format(values[index])}`).join(', ');
  const move = (event: KeyboardEvent) => {
    const next = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: xs.length - 1 }[
      event.key
    ];
    if (next === undefined) return;
    event.preventDefault();
    onPoint(Math.max(0, Math.min(xs.length - 1, next)));
  };
  return (
    <div
      role="slider"
      tabIndex={0}
      class="reader"
      aria-label={`${title}: ${summary} The arrow keys read the values.`}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, xs.length - 1)}
      aria-valuenow={Math.max(0, index)}
      aria-valuetext={`${formatX(xs[index] ?? 0)}: ${read}`}
      onKeyDown={move}
    >
      {props.children}
    </div>
  );
}

function Figures({ title, xs, xName, formatX, series, format }: ChartProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details class="figures" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>
        Table<span class="hidden"> of {title}</span>
      </summary>
      {isOpen && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard.
        <section class="scroll" tabIndex={0} aria-label={`${title}, as a table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">{xName}</th>
                {series.map(({ label }) => (
                  <th key={label} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {xs.map((x, row) => (
                <tr key={x}>
                  <th scope="row">{formatX(x)}</th>
                  {series.map(({ label, values }) => (
                    <td key={label}>{format(values[row])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}
