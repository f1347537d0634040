import { InputError } from '../command-line/input-error.ts';
import type { BadLineTolerance } from './json-lines.ts';
import { createRandom } from './random.ts';
import { type RoutingRow, readRoutingRows } from './routing-rows.ts';

export type SampleOptions = BadLineTolerance & {
  /** Largest number of rows that are kept, as an even sample (Vitter's algorithm R). */
  readonly maxRows: number;
  readonly seed: number;
  readonly mayBeEmpty?: boolean;
};

/** Streams the rows of one data file; rows that are not kept are never held in memory. */
export async function sampleRows(path: string, options: SampleOptions): Promise<RoutingRow[]> {
  const random = createRandom(options.seed);
  const kept: RoutingRow[] = [];
  let seen = 0;
  for await (const row of readRoutingRows([path], options)) {
    seen += 1;
    if (kept.length < options.maxRows) kept.push(row);
    else {
      const place = Math.floor(random() * seen);
      if (place < options.maxRows) kept[place] = row;
    }
  }
  if (seen === 0 && !options.mayBeEmpty) throw new InputError(`${path} has no rows.`);
  if (seen > kept.length) options.report(`Kept ${kept.length} of the ${seen} rows of ${path}.`);
  return kept;
}
