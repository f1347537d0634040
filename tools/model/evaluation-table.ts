import type { Comparison, EvaluationLine } from './evaluation.ts';
import type { Interval } from './evaluation-bootstrap.ts';

const HEADER = [
  'router',
  'source',
  'prompts',
  'gap',
  'APGR (95%)',
  'CPT(50%)',
  'CPT(80%)',
  'saved',
  'calibration error',
];

/** Formats the lines as a Markdown table, which is readable in a terminal too. */
export function formatEvaluation(lines: readonly EvaluationLine[]): string {
  const cells = lines.map(toCells);
  const widths = HEADER.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const format = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [
    format(HEADER),
    format(widths.map((width) => '-'.repeat(width))),
    ...cells.map(format),
  ].join('\n');
}

function toCells(line: EvaluationLine): string[] {
  const { quality, intervals } = line;
  const saved = percentWithInterval(quality?.saved, intervals?.saved);
  return [
    line.router,
    line.source,
    String(line.prompts),
    decimals(line.strongMean - line.weakMean),
    withInterval(quality?.apgr, intervals?.apgr, decimals),
    percentWithInterval(quality?.cpt50, intervals?.cpt50),
    percentWithInterval(quality?.cpt80, intervals?.cpt80),
    saved === '-' ? saved : `${saved} of ${line.costBasis === 'calls' ? 'calls' : 'cost'}`,
    decimals(line.calibrationError),
  ];
}

/** Formats a comparison: `local: APGR 0.061 (0.040 to 0.083) above prompt length, over all.` */
export function formatComparison(
  { router, source }: EvaluationLine,
  { than, apgr, interval }: Comparison,
): string {
  const side = apgr < 0 ? 'below' : 'above';
  const [low, high] =
    interval?.map((end) => Math.sign(apgr || 1) * end).sort((a, b) => a - b) ?? [];
  const range = low === undefined ? '' : ` (95%: ${decimals(low)} to ${decimals(high)})`;
  return `${router}: APGR ${decimals(Math.abs(apgr))}${range} ${side} ${than}, over ${source}.`;
}

function withInterval(
  value: number | undefined,
  interval: Interval | undefined,
  format: (value: number | undefined) => string,
): string {
  const known = format(value);
  if (value === undefined || interval === undefined) return known;
  const [low, high] = interval.map(format);
  // The interval has no width by definition, as that of a random order.
  return low === known && high === known
    ? known
    : `${known} (${low?.replace('%', '')} to ${high?.replace('%', '')})`;
}

export function percentWithInterval(
  value: number | undefined,
  interval: Interval | undefined,
): string {
  return withInterval(value, interval, percent);
}

export function decimalsWithInterval(
  value: number | undefined,
  interval: Interval | undefined,
): string {
  return withInterval(value, interval, decimals);
}

export function decimals(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(3);
}

export function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(100 * share).toFixed(1)}%`;
}
