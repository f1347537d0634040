import { readFile } from 'node:fs/promises';
import { medianOf } from '../measure/statistics.ts';
import type { Row } from './matrix.ts';

/** The time of a request through each target as a multiple of a direct one, at 16 connections. */
type Recorded = Readonly<Record<string, number>>;

const FILE = new URL('recorded.json', import.meta.url);
const TOLERANCE = 1.3;

/**
 * Compares each round with the recorded ratio. The router has become slower if all rounds are more
 * than 30% above it: a single slow round may be due to other load on the machine.
 */
export async function findRegressions(
  rows: readonly Row[],
): Promise<{ readonly lines: readonly string[]; readonly isWorse: boolean }> {
  // The file is part of the project, so its shape is known.
  const recorded = JSON.parse(await readFile(FILE, 'utf8')) as Recorded;
  const direct = rows.find(({ target }) => target === 'direct')?.rounds ?? [];
  const compared = Object.entries(recorded).map(([target, before]) => {
    const rounds = rows.find((row) => row.target === target)?.rounds ?? [];
    const ratios = rounds.map(
      ({ requests_per_second: own }, index) =>
        (direct[index]?.requests_per_second ?? Number.NaN) / own,
    );
    const isWorse = ratios.length === 0 || !ratios.some((one) => one <= TOLERANCE * before);
    const found = ratios.map((one) => one.toFixed(2)).join(', ');
    const line = `${target}: ${medianOf(ratios).toFixed(2)} times the time of direct (${found}), recorded ${before}${isWorse ? ': SLOWER' : ''}`;
    return { line, isWorse };
  });
  return {
    lines: compared.map(({ line }) => line),
    isWorse: compared.some(({ isWorse }) => isWorse),
  };
}
