import type { Spread } from '../measure/statistics.ts';
import type { ColdStart } from './cold-start.ts';
import type { Growth } from './growth.ts';
import type { Row } from './matrix.ts';

const BAR = 40;

/** The rows as a table for a terminal, in blocks of one kind of load. */
export function formatRows(rows: readonly Row[]): string {
  const kinds = [...new Set(rows.map(kindOf))];
  return kinds.map((kind) => formatKind(rows.filter((row) => kindOf(row) === kind))).join('\n\n');
}

function kindOf({ mode, connections }: Row): string {
  return `${mode} ${connections}`;
}

function formatKind(rows: readonly Row[]): string {
  const [first] = rows;
  if (first === undefined) return '';
  const isPlain = first.mode === 'plain';
  const what = isPlain ? 'plain answers' : 'streams, to the first content';
  const head = ['', 'p50 ms', 'p99 ms', 'added p50', 'added p99'];
  const rest = [isPlain ? 'requests/s' : 'streams/s', 'CPU µs', 'MB', 'errors'];
  const lines = rows.map((row) => [
    row.target,
    spread(row.p50, 2),
    spread(row.p99, 2),
    spread(row.added_p50, 2),
    spread(row.added_p99, 2),
    spread(row.requests_per_second, 0),
    spread(row.cpu_us, 0),
    row.memory === undefined ? '-' : row.memory.median.toFixed(0),
    String(row.errors),
  ]);
  const title = `${first.connections} connection${first.connections === 1 ? '' : 's'}, ${what}`;
  const value = (row: Row) => (isPlain ? row.requests_per_second.median : row.p50.median);
  const bars = formatBars(
    isPlain ? 'requests a second' : 'ms to the first content',
    rows.map((row) => [row.target, value(row)]),
  );
  return `${title}\n${formatTable([[...head, ...rest], ...lines])}\n${bars}`;
}

/** Formats lines in columns as wide as their contents. */
export function formatTable(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  );
  return lines
    .map((line) => {
      const cells = line.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      return `  ${cells.join('  ')}`.trimEnd();
    })
    .join('\n');
}

/** Formats a bar chart with one number for each name. */
export function formatBars(what: string, values: readonly (readonly [string, number])[]): string {
  const most = Math.max(...values.map(([, value]) => value));
  const width = Math.max(...values.map(([name]) => name.length));
  const lines = values.map(([name, value]) => {
    const bar = '█'.repeat(Math.max(1, Math.round((BAR * value) / most)));
    return `  ${name.padEnd(width)}  ${bar} ${value < 10 ? value.toFixed(2) : value.toFixed(0)}`;
  });
  return [`  ${what}:`, ...lines].join('\n');
}

export function formatColdStarts(coldStarts: readonly ColdStart[]): string {
  const lines = coldStarts.map(({ target, ms, all }) => [
    target,
    spread(ms, 0),
    all.length.toString(),
  ]);
  const bars = formatBars(
    'ms',
    coldStarts.map(({ target, ms }) => [target, ms.median]),
  );
  return `Start of the process to the first answer\n${formatTable([['', 'ms', 'starts'], ...lines])}\n${bars}`;
}

export function formatGrowth(growth: readonly Growth[]): string {
  return growth
    .map(({ what, steps }) => {
      const lines = steps.map(({ size, ms, factor, size_factor }) => [
        String(size),
        spread(ms, 3),
        factor === undefined ? '-' : `${factor.toFixed(2)} for ${size_factor?.toFixed(1)}`,
      ]);
      const bars = formatBars(
        'ms',
        steps.map(({ size, ms }) => [String(size), ms.median]),
      );
      return `The router's own time by ${what}\n${formatTable([['', 'ms', 'times'], ...lines])}\n${bars}`;
    })
    .join('\n\n');
}

export function formatSummary(
  summary: readonly (readonly [name: string, value: number])[],
): string {
  return summary.map(([name, value]) => `  ${name}: ${value.toFixed(3)}`).join('\n');
}

function spread(one: Spread | undefined, digits: number): string {
  if (one === undefined) return '-';
  const [median, low, high] = [one.median, one.low, one.high].map((value) => value.toFixed(digits));
  return `${median} (${low}-${high})`;
}
