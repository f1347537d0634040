import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from '../command-line/input-error.ts';

/** Returns a hash of the prompt's words, 0 to 2^32 - 1. */
export function hashPrompt(prompt: string): number {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return createHash('sha256').update(words.join(' ')).digest().readUInt32BE(0);
}

/** Returns each hash once, in ascending order, as a scorer's folder keeps them. */
export function toHashList(hashes: Iterable<number>): Uint32Array {
  return Uint32Array.from(new Set(hashes)).sort();
}

/**
 * Reads the hashes of a scorer's training prompts; undefined for a scorer that keeps none. Throws
 * an InputError when the file is missing or has another size.
 */
export async function loadPromptHashes(
  { id, trainingPrompts }: ScorerEntry,
  modelsFolder: string,
): Promise<ReadonlySet<number> | undefined> {
  if (trainingPrompts === undefined) return undefined;
  const { file, rows } = trainingPrompts;
  const bytes = await readFile(join(modelsFolder, file)).catch((error: unknown) => {
    throw new InputError(`The hashes of ${id}'s training prompts cannot be read: ${String(error)}`);
  });
  if (bytes.length !== rows * Uint32Array.BYTES_PER_ELEMENT) {
    throw new InputError(`${file} does not hold ${rows} hashes: train ${id} again.`);
  }
  return new Set(new Uint32Array(Uint8Array.from(bytes).buffer));
}
