import { type ChartOption, drawChart } from '../packages/draw-chart.ts';
import { KEPT_QUALITY } from './apgr.ts';
import { type EvaluationLine, LENGTH, ORACLE, RANDOM } from './evaluation.ts';
import type { CurveFamily, CurvePoint } from './evaluation-curves.ts';
import { escapeHtml } from './report-html.ts';

/**
 * Sizes of a chart. It is drawn twice, and the page shows the one that fits: text in a shrunken
 * chart is too small.
 */
const SIZES = [
  { name: 'wide', width: 920, plotHeight: 400, legendColumns: 5 },
  { name: 'narrow', width: 358, plotHeight: 320, legendColumns: 2 },
] as const;
type Size = (typeof SIZES)[number];
const LEGEND_ROW = 27;

const FONT = 'system-ui, sans-serif';
/** The page defines these colours for light and dark mode. */
const INK = 'var(--ink)';
const MUTED = 'var(--muted)';
const GRID = 'var(--grid)';
/** Dashes distinguish the lines too, not only colours. */
const DASHES = ['solid', [10, 4], [10, 4, 2, 4], [5, 3], [14, 3], [2, 2]] as const;
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'pin', 'arrow'] as const;
const BASELINE_DASHES: Readonly<Record<string, readonly number[]>> = {
  [RANDOM]: [2, 4],
  [LENGTH]: [7, 4],
  [ORACLE]: [12, 4, 2, 4],
};

export type CurveAxis = 'strongShare' | 'costPer1000';

/** Draws quality against the strong share or the cost, with one line per router. */
export function drawCurves(family: CurveFamily, axis: CurveAxis, label: string): string {
  return drawSizes(label, family.curves.length, (size) => {
    let scorers = 0;
    const series = family.curves.map(({ router, isScorer, points }) => {
      const index = isScorer ? scorers++ : -1;
      return {
        ...lineOf(router, index),
        // The lines to compare are on top.
        z: isScorer ? 3 : 2,
        data: points.map((point) => [point[axis] ?? 0, point.quality]),
      };
    });
    const [first] = family.curves;
    const marks = markQualities(first?.points.at(-1), first?.points.at(0), size);
    return {
      ...frame(size, {
        xAxis: axis === 'strongShare' ? SHARE_AXIS : COST_AXIS,
        yAxis: {
          name: 'mean score',
          ...rangeOf(family.curves.flatMap(({ points }) => points.map(({ quality }) => quality))),
          axisLabel: {
            color: MUTED,
            hideOverlap: true,
            formatter: (value: number) => value.toFixed(2),
          },
        },
      }),
      series: [...series.slice(0, -1), ...series.slice(-1).map((last) => ({ ...last, ...marks }))],
    };
  });
}

const SHARE_AXIS = {
  name: 'share of prompts sent to the strong model',
  min: 0,
  max: 1,
  interval: 0.2,
  axisLabel: {
    color: MUTED,
    hideOverlap: true,
    formatter: (value: number) => `${Math.round(100 * value)}%`,
  },
};
const COST_AXIS = {
  name: 'US dollars for 1,000 requests',
  scale: true,
  axisLabel: { color: MUTED, hideOverlap: true },
};

/** Draws predicted against observed win rates: a win rate on the diagonal is exact. */
export function drawReliability(lines: readonly EvaluationLine[], label: string): string {
  const scored = lines.filter(({ reliability }) => reliability !== undefined);
  const values = scored.flatMap(({ reliability = [] }) =>
    reliability.flatMap(({ winRate, outcome }) => [winRate, outcome]),
  );
  const range = rangeOf(values);
  const axisLabel = {
    color: MUTED,
    hideOverlap: true,
    formatter: (value: number) => value.toFixed(2),
  };
  return drawSizes(label, scored.length + 1, (size) => ({
    ...frame(size, {
      xAxis: { name: 'predicted win rate (mean of a tenth)', ...range, axisLabel },
      yAxis: { name: 'observed', ...range, axisLabel },
      legend: { itemHeight: 11 },
    }),
    series: [
      {
        ...lineOf('exactly as predicted', -1),
        lineStyle: { color: MUTED, width: 1.5, type: [2, 4] },
        data: [
          [range.min, range.min],
          [range.max, range.max],
        ],
      },
      ...scored.map(({ router, reliability = [] }, index) => ({
        ...lineOf(router, index),
        symbol: SYMBOLS[index % SYMBOLS.length],
        symbolSize: 9,
        data: reliability.map(({ winRate, outcome }) => [winRate, outcome]),
      })),
    ],
  }));
}

/** Returns the style of a line. `index` counts the scorers; -1 is a baseline. */
function lineOf(name: string, index: number): Record<string, unknown> {
  const color = index < 0 ? MUTED : `var(--series-${(index % DASHES.length) + 1})`;
  const type = index < 0 ? (BASELINE_DASHES[name] ?? [2, 4]) : DASHES[index % DASHES.length];
  return {
    name,
    type: 'line',
    color,
    symbol: 'none',
    silent: true,
    lineStyle: { color, width: index < 0 ? 1.5 : 2.5, type },
  };
}

function markQualities(
  strong: CurvePoint | undefined,
  weak: CurvePoint | undefined,
  size: Size,
): Record<string, unknown> {
  if (strong === undefined || weak === undefined) return {};
  const kept = KEPT_QUALITY * strong.quality;
  const alone = size.name === 'wide' ? ' model alone' : '';
  const mark = (name: string, yAxis: number, position: string): Record<string, unknown> => ({
    name,
    yAxis,
    label: { position },
  });
  const marks = [
    mark(`strong${alone}`, strong.quality, 'insideMiddleTop'),
    mark(`weak${alone}`, weak.quality, 'insideEndBottom'),
    ...(kept > weak.quality ? [mark('95% of strong', kept, 'insideEndBottom')] : []),
  ];
  return {
    markLine: {
      silent: true,
      symbol: 'none',
      precision: 6,
      lineStyle: { color: GRID, width: 1.5, type: 'solid' },
      label: { formatter: '{b}', color: MUTED, fontFamily: FONT, fontSize: fontOf(size) - 1 },
      data: marks,
    },
  };
}

type FrameParts = {
  readonly xAxis: Readonly<Record<string, unknown>>;
  readonly yAxis: Readonly<Record<string, unknown>>;
  readonly legend?: Readonly<Record<string, unknown>>;
};

function frame(size: Size, { xAxis, yAxis, legend }: FrameParts): ChartOption {
  const fontSize = fontOf(size);
  const isNarrow = size.name === 'narrow';
  const axis = {
    type: 'value',
    nameLocation: 'middle',
    nameTextStyle: { color: INK, fontFamily: FONT, fontSize },
    axisLine: { lineStyle: { color: GRID } },
    splitLine: { lineStyle: { color: GRID, opacity: 0.6 } },
    splitNumber: isNarrow ? 4 : 6,
  };
  return {
    animation: false,
    textStyle: { fontFamily: FONT, fontSize, color: INK },
    grid: { left: isNarrow ? 50 : 62, right: 14, bottom: 50 },
    legend: {
      top: 0,
      left: 0,
      itemWidth: 34,
      // The width of the text is estimated here, so this leaves room for a wider font.
      itemGap: isNarrow ? 20 : 32,
      // A line without symbols has a dot of this height in the legend.
      itemHeight: 1,
      textStyle: { color: INK, fontFamily: FONT, fontSize },
      ...legend,
    },
    xAxis: { ...axis, nameGap: 28, ...xAxis },
    yAxis: { ...axis, nameGap: isNarrow ? 36 : 44, ...yAxis },
  };
}

function fontOf({ name }: Size): number {
  return name === 'wide' ? 13 : 12;
}

/** Returns whole steps of a twentieth around the values. */
function rangeOf(values: readonly number[]): { readonly min: number; readonly max: number } {
  const low = values.reduce((least, value) => Math.min(least, value), 1);
  const high = values.reduce((most, value) => Math.max(most, value), 0);
  return {
    min: Math.max(0, Math.floor(low * 20 - 0.2) / 20),
    max: Math.ceil(high * 20 + 0.2) / 20,
  };
}

function drawSizes(label: string, lines: number, option: (size: Size) => ChartOption): string {
  return SIZES.map((size) => {
    const legendHeight = Math.ceil(lines / size.legendColumns) * LEGEND_ROW;
    const svg = drawChart({ ...size, legendHeight }, option(size));
    return `<div class="chart ${size.name}" role="img" aria-label="${escapeHtml(label)}">${svg}</div>`;
  }).join('');
}
