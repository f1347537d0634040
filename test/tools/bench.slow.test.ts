import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { findRegressions } from '../../tools/bench/check.ts';
import { stepsWorseThanLinear } from '../../tools/bench/growth.ts';
import type { Round, Row } from '../../tools/bench/matrix.ts';
import { formatBars, formatTable } from '../../tools/bench/report.ts';
import { summarize } from '../../tools/bench/summary.ts';
import { medianOf, spreadOf } from '../../tools/measure/statistics.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function row(target: string, rates: readonly number[], more: Partial<Row> = {}): Row {
  const rounds = rates.map(
    (rate): Round => ({
      p50: 1_000 / rate,
      p99: 2_000 / rate,
      requests_per_second: rate,
      cpu_us: 1_000_000 / rate,
      memory: 100,
      answers: rate,
      errors: 0,
    }),
  );
  return {
    target,
    mode: 'plain',
    connections: 16,
    rounds,
    answers: 1,
    errors: 0,
    p50: spreadOf(rounds.map(({ p50 }) => p50)),
    p99: spreadOf(rounds.map(({ p99 }) => p99)),
    requests_per_second: spreadOf(rates),
    ...more,
  };
}

const still = { median: 0.4, low: 0.3, high: 0.6 };

describe('the summary', () => {
  test('compares what was measured in the same round', () => {
    const rows = [
      row('router, LRU', [3_000, 300, 2_800]),
      row('portkey', [1_000, 100, 1_400]),
      row('router, LRU', [900], { connections: 1, added_p50: still }),
      row('portkey', [500], { connections: 1, added_p50: { ...still, median: 0.8 } }),
      row('router, LRU', [4], { connections: 1, mode: 'streamed', added_p50: still }),
    ];
    const ms = (median: number) => ({ median, low: median, high: median });
    const starts = [
      { target: 'router', ms: ms(150), all: [] },
      { target: 'portkey', ms: ms(300), all: [] },
    ];
    expect(summarize(rows, starts)).toEqual({
      rps16_vs_portkey: 3,
      added_p50_1_vs_portkey: 0.5,
      first_token_ms_1: 0.4,
      first_token_ms_16: Number.NaN,
      cold_start_vs_portkey: 0.5,
      memory_vs_portkey: 1,
    });
  });

  test.each([
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[], Number.NaN],
  ])('takes the median of %j', (values, median) => {
    expect(medianOf(values)).toBe(median);
  });
});

describe('the check', async () => {
  const file = new URL('../../tools/bench/recorded.json', import.meta.url);
  const recorded = JSON.parse(await readFile(file, 'utf8')) as Record<string, number>;
  const rateOf = (target: string) => 10_000 / (recorded[target] ?? Number.NaN);
  const direct = row('direct', [10_000, 10_000, 10_000]);
  const router = (rates: readonly number[]) => [
    direct,
    row('router, LRU', rates),
    row('router, local', Array(3).fill(rateOf('router, local'))),
  ];

  test('passes while one round is as fast as recorded', async () => {
    const { lines, isWorse } = await findRegressions(router([10, rateOf('router, LRU'), 10]));
    expect(isWorse).toBe(false);
    expect(lines).toHaveLength(2);
  });

  test('fails when all rounds are slower by more than 30%', async () => {
    const { lines, isWorse } = await findRegressions(router([1_000, 1_100, 900]));
    expect(isWorse).toBe(true);
    expect(lines[0]).toMatch(/^router, LRU: 10\.00 times the time of direct .*: SLOWER$/);
    expect(lines[1]).not.toContain('SLOWER');
  });

  test('fails when something was not measured', async () => {
    expect((await findRegressions([direct])).isWorse).toBe(true);
  });
});

describe('growth', () => {
  const ms = { median: 1, low: 1, high: 1 };
  test.each([
    [1, 4, []],
    [5, 4, []],
    [6, 4, ['messages, 40: 6.00 times']],
  ])('of %d times for %d times the size', (factor, size_factor, found) => {
    const steps = [
      { size: 10, ms },
      { size: 40, ms, factor, size_factor },
    ];
    expect(stepsWorseThanLinear([{ what: 'messages', steps }])).toEqual(found);
  });
});

describe('the report', () => {
  test('has columns as wide as what is in them, and bars as long as the numbers', () => {
    const lines = formatTable([
      ['', 'ms'],
      ['router', '1.25'],
    ]).split('\n');
    expect(lines).toEqual(['            ms', '  router  1.25']);
    const [, one = '', two = ''] = formatBars('ms', [
      ['a', 10],
      ['b', 20],
    ]).split('\n');
    expect(two.match(/█/g)?.length).toBe(2 * (one.match(/█/g)?.length ?? 0));
  });
});

describe('npm run bench', () => {
  const run = (...options: string[]) =>
    promisify(execFile)(process.execPath, ['tools/run.mjs', 'bench', ...options], { cwd: root });

  test('shows how it is called', async () => {
    expect((await run('--help')).stdout).toContain('--json <file>');
  });

  test.each([
    ['--rounds', '0'],
    ['--seconds', 'x'],
    ['--starts', '101'],
    ['--only', 'load,none'],
  ])('refuses %s %s', async (...options) => {
    await expect(run(...options)).rejects.toMatchObject({ code: 2 });
  });
});
