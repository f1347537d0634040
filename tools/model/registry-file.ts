import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import {
  type ScorerEntry,
  scorerEntrySchema,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from '../command-line/input-error.ts';
import { replaceFiles } from './replace-files.ts';

/** An entry as the file has it: unknown fields are written back as they were read. */
type RawEntry = {
  id?: string;
  version?: string;
  active?: boolean;
  calibrations?: unknown[];
  standIns?: unknown;
};

const rawRegistrySchema = z.object({
  scorers: z.array(z.custom<RawEntry>((value) => scorerEntrySchema.safeParse(value).success)),
});

/**
 * Changes the entry of one scorer, and leaves everything else in the file as it is. Throws an
 * InputError and leaves the registry unchanged when it cannot be written, or when the scorer has
 * changed since `entry` was read.
 */
export async function editEntry(
  modelsFolder: string,
  entry: ScorerEntry,
  edit: (raw: RawEntry, all: readonly RawEntry[]) => void,
): Promise<void> {
  const path = join(modelsFolder, 'registry.json');
  const text = await readFile(path, 'utf8');
  const registry: unknown = JSON.parse(text);
  const known = JSON.stringify(entry);
  const { scorers } = rawRegistrySchema.parse(registry);
  const scorer = scorers.find((raw) => JSON.stringify(scorerEntrySchema.parse(raw)) === known);
  if (scorer === undefined) throw changed(path);
  edit(scorer, scorers);
  scorerEntrySchema.parse(scorer);
  const content = formatAs(text, registry);
  await replaceFiles(modelsFolder, [{ path, content }], async () => {
    if ((await readFile(path, 'utf8')) !== text) throw changed(path);
  });
}

/** Makes this version the one that its scorer's id alone means. Throws as `editEntry` does. */
export async function useVersion(modelsFolder: string, entry: ScorerEntry): Promise<void> {
  await editEntry(modelsFolder, entry, (chosen, all) => {
    for (const raw of all) if (raw.id === chosen.id) delete raw.active;
    chosen.active = true;
  });
}

/** Formats the JSON with the indentation, line breaks and final line break of the file. */
function formatAs(text: string, json: unknown): string {
  const indentation = /^\s*\{\r?\n([ \t]+)/.exec(text)?.[1];
  const end = /\s*$/.exec(text)?.[0] ?? '';
  const formatted = JSON.stringify(json, null, indentation);
  return `${text.includes('\r\n') ? formatted.replaceAll('\n', '\r\n') : formatted}${end}`;
}

function changed(path: string): InputError {
  return new InputError(`${path} was changed in the meantime. Run the command again.`);
}
