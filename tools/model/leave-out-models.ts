import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { InputError } from '../command-line/input-error.ts';
import { canonicalModel } from './model-names.ts';
import type { RoutingRow } from './routing-rows.ts';

/** Reads the names of models that are not to be learnt, as a JSON list. Throws an InputError for another file. */
export async function readLeftOutModels(path: string): Promise<ReadonlySet<string>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(`${path} (--leave-out) cannot be read: ${String(error)}.`);
  });
  try {
    return new Set(z.array(z.string()).parse(JSON.parse(text)).map(canonicalModel));
  } catch {
    throw new InputError(`${path} (--leave-out) must be a JSON list of models' names.`);
  }
}

/** Returns the rows without these models, and without the rows that then compare no two models. */
export function leaveOutModels(
  rows: readonly RoutingRow[],
  leftOut: ReadonlySet<string>,
): RoutingRow[] {
  return rows.flatMap((row) => {
    const { scores, preference } = row;
    if (preference !== undefined) {
      return leftOut.has(preference.modelA) || leftOut.has(preference.modelB) ? [] : [row];
    }
    const kept = new Map([...(scores ?? [])].filter(([model]) => !leftOut.has(model)));
    return kept.size < 2 ? [] : [{ ...row, scores: kept }];
  });
}
