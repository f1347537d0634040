import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Lists the paths of all files below a folder, relative to it, with `/`, sorted by code units. */
export async function listFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .toSorted();
}
