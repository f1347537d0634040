import { useEffect, useRef, useState } from 'preact/hooks';
import UPlot from 'uplot';
import { clock, day } from '../base/format.ts';
import { type Theme, useTheme } from './use-theme.ts';

export type Series = {
  readonly label: string;
  /** A value for each x; null if there is none. */
  readonly values: readonly (number | null)[];
  /** Name of a custom property of the style sheet. */
  readonly color: string;
  readonly shape: 'line' | 'area' | 'bars';
  /** Dashes, so that lines can be distinguished without colours. */
  readonly dash?: readonly number[];
  /** Heights at which the series is drawn if they differ from its values, as in a stack. */
  readonly drawn?: readonly (number | null)[];
};

export type PlotOptions = {
  /** Seconds since 1970, or numbers. */
  readonly xs: readonly number[];
  readonly isTime: boolean;
  /** Whether values are whole numbers, so that the axis has no fractions. */
  readonly isWhole: boolean;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly height: number;
  /** Range of the x axis; the range of the values by default. */
  readonly xRange?: readonly [number, number];
  readonly onCursor: (index: number | undefined) => void;
};

/** Position of the plot in its frame, in CSS pixels. */
export type Area = { readonly left: number; readonly width: number; readonly bottom: number };

/** Draws a plot into the element of the ref, as wide as the element. */
export function usePlot(options: PlotOptions) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | undefined>(undefined);
  const latest = useRef(options);
  latest.current = options;
  const [area, setArea] = useState<Area>();
  const theme = useTheme();
  const shape = options.series.map(({ label, shape: one }) => `${label}:${one}`).join();

  // Other series, or another theme, need a new plot.
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const made = new UPlot(
      describe(latest, theme, element.clientWidth),
      toData(latest.current),
      element,
    );
    const measure = () => setArea(areaOf(made));
    measure();
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: latest.current.height });
      measure();
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, theme.name, options.height]);

  useEffect(() => plot.current?.setData(toData(options)), [options.xs, options.series]);

  return {
    frame,
    area,
    /** Shows the values at one x. */
    point: (index: number) => {
      const at = plot.current?.valToPos(options.xs[index] ?? 0, 'x') ?? 0;
      plot.current?.setCursor({ left: at, top: 10 });
    },
  };
}

const WHOLE = [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((power) =>
  [1, 2, 5].map((one) => one * 10 ** power),
);

function countOf(values: UPlot.AlignedData[number] | undefined): number {
  return [...(values ?? [])].filter((value) => value !== null && value !== undefined).length;
}

function areaOf(plot: UPlot): Area {
  const { left, width, top, height } = plot.bbox;
  const scale = devicePixelRatio;
  return { left: left / scale, width: width / scale, bottom: (top + height) / scale };
}

function toData({ xs, series }: PlotOptions): UPlot.AlignedData {
  return [[...xs], ...series.map(({ values, drawn }) => [...(drawn ?? values)])];
}

function describe(
  latest: { readonly current: PlotOptions },
  theme: Theme,
  width: number,
): UPlot.Options {
  const { isTime, isWhole, series, height } = latest.current;
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: { time: isTime, range: () => rangeOf(latest.current) },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      axis(theme, { size: 30, ...(isTime && { values: formatTimes }) }),
      axis(theme, {
        values: (_, ticks) => ticks.map((tick) => latest.current.format(tick)),
        size: 72,
        ...(isWhole && { incrs: WHOLE }),
      }),
    ],
    series: [{}, ...series.map((one) => toSeries(one, theme))],
    hooks: {
      setCursor: [({ cursor }) => latest.current.onCursor(cursor.idx ?? undefined)],
    },
  };
}

/** Returns the x range with room for bars, which are centred on their values. */
function rangeOf({ xs, xRange, series }: PlotOptions): [number, number] {
  if (xRange !== undefined) return [...xRange];
  const [first = 0, second = 1] = xs;
  const margin = series.some(({ shape }) => shape === 'bars') ? (second - first) / 2 : 0;
  return [first - margin, (xs.at(-1) ?? 1) + margin];
}

const DAY_S = 86_400;

function formatTimes(_: UPlot, ticks: number[], __: number, ___: number, step: number): string[] {
  return ticks.map((tick) => (step < DAY_S ? clock(tick * 1_000) : day(tick * 1_000)));
}

function axis(theme: Theme, more: UPlot.Axis): UPlot.Axis {
  const line = { stroke: theme.color('--line'), width: 1 };
  return {
    stroke: theme.color('--muted'),
    font: '12px system-ui, sans-serif',
    grid: line,
    ticks: { ...line, size: 4 },
    ...more,
  };
}

function toSeries({ label, color, shape, dash }: Series, theme: Theme): UPlot.Series {
  const stroke = theme.color(color);
  const bars = UPlot.paths.bars?.({ size: [0.82, 60] });
  return {
    label,
    stroke,
    width: shape === 'bars' ? 0 : 2,
    spanGaps: true,
    // A line of one or two values would be invisible.
    points: { show: (plot, index) => shape !== 'bars' && countOf(plot.data[index]) < 3 },
    ...(dash && { dash: [...dash] }),
    ...(shape === 'area' && { fill: `${stroke}22` }),
    ...(shape === 'bars' && { fill: stroke, ...(bars && { paths: bars }) }),
  };
}
