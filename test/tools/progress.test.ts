import { expect, test } from 'vitest';
import { createProgress } from '../../tools/command-line/progress.ts';

type Setup = { readonly isTTY: boolean; readonly total?: number; readonly columns?: number };

function start({ columns = 200, ...setup }: Setup) {
  const written: string[] = [];
  let time = 1_000;
  const progress = createProgress({
    label: 'Embedding',
    unit: 'rows',
    ...(setup.total !== undefined && { total: setup.total }),
    terminal: { isTTY: setup.isTTY, columns, write: (text) => written.push(text) },
    now: () => time,
  });
  return {
    written,
    progress,
    after(milliseconds: number, rows: number, extra?: string) {
      time += milliseconds;
      progress.advance(rows, extra);
    },
  };
}

/** What a terminal shows: each carriage return begins the line anew. */
function shown(written: readonly string[]): string | undefined {
  return written.join('').split('\r').at(-1)?.replace('\x1b[K', '');
}

test('a terminal shows share, count, rate, time left and the extra on one line', () => {
  const { written, after } = start({ isTTY: true, total: 10_000 });
  after(1_000, 1_000, 'loss 0.412');
  after(1_000, 1_500, 'loss 0.398');
  expect(shown(written)).toBe(
    'Embedding █████░░░░░░░░░░░░░░░ 25% 2,500/10,000 rows, 1,250/s, 0:06 left, loss 0.398',
  );
  expect(written.join('')).not.toContain('\n');
});

test('a terminal is written to at most ten times a second', () => {
  const { written, after } = start({ isTTY: true, total: 1_000 });
  for (let row = 0; row < 1_000; row += 1) after(1, 1);
  expect(written.length).toBeGreaterThan(5);
  expect(written.length).toBeLessThanOrEqual(10);
});

test('a line is never wider than the terminal', () => {
  const { written, progress, after } = start({ isTTY: true, total: 10, columns: 30 });
  after(1_000, 5);
  progress.end();
  for (const line of written.join('').split(/[\r\n]/)) {
    expect(line.replace('\x1b[K', '').length).toBeLessThan(30);
  }
});

test('a terminal that does not know its width is taken for one of 80 columns', () => {
  const { written, after } = start({ isTTY: true, total: 10, columns: 0 });
  after(1_000, 5, 'loss 0.5');
  expect(shown(written)).toMatch(/, loss 0\.5$/);
});

test('a log gets a plain line every few seconds and one at the end', () => {
  const { written, progress, after } = start({ isTTY: false, total: 200 });
  for (let row = 0; row < 200; row += 1) after(100, 1, 'loss 0.5');
  progress.end();
  expect(written).toEqual([
    'Embedding 25% 50/200 rows, 10/s, 0:15 left, loss 0.5\n',
    'Embedding 50% 100/200 rows, 10/s, 0:10 left, loss 0.5\n',
    'Embedding 75% 150/200 rows, 10/s, 0:05 left, loss 0.5\n',
    'Embedding 100% 200/200 rows, 10/s, 0:00 left, loss 0.5\n',
    'Embedding 100% 200/200 rows, in 0:20, loss 0.5\n',
  ]);
});

test('a log gets one line of what is over at once', () => {
  const { written, progress, after } = start({ isTTY: false, total: 2 });
  after(10, 2);
  progress.end();
  progress.end();
  expect(written).toEqual(['Embedding 100% 2/2 rows, in 0:00\n']);
});

test('without a total there is a count and a rate', () => {
  const { written, after } = start({ isTTY: false });
  after(10_000, 25);
  expect(written).toEqual(['Embedding 25 rows, 2.5/s\n']);
});

test('the time left is that of the last seconds, not of a beginning that was found in a file', () => {
  const { written, after } = start({ isTTY: false, total: 10_000 });
  after(100, 9_000);
  for (let second = 0; second < 30; second += 1) after(1_000, 10);
  expect(written.at(-1)).toMatch(/, 10\/s, 1:1\d left/);
});

test('the bar ends its line, so that results stand below it', () => {
  const { written, progress, after } = start({ isTTY: true, total: 2 });
  after(3_000, 1);
  progress.end();
  expect(shown(written)).toBe('Embedding ██████████░░░░░░░░░░ 50% 1/2 rows, in 0:03\n');
});
