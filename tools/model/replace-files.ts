import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { InputError } from '../command-line/input-error.ts';

export type NewFile = { readonly path: string; readonly content: Uint8Array | string };

/** Returns the path at which a file is written before it is renamed. */
export function temporary(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

/**
 * Writes all files next to their places, tries them, and renames them in the given order. A failure
 * restores the previous state, missing folders included, and throws an InputError.
 */
export async function replaceFiles(
  folder: string,
  files: readonly NewFile[],
  tryOut: () => Promise<unknown>,
): Promise<void> {
  const created = await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new InputError(`The folder ${folder} cannot be created: ${String(error)}`);
  });
  const restore: (() => Promise<void>)[] = [];
  try {
    for (const { path, content } of files) await writeFile(temporary(path), content);
    await tryOut();
    for (const { path } of files) {
      restore.push(await remember(path));
      await rename(temporary(path), path);
    }
  } catch (error) {
    for (const { path } of files) await rm(temporary(path), { force: true });
    for (const putBack of restore) await putBack();
    if (created !== undefined) await rm(created, { recursive: true, force: true });
    throw new InputError(`Nothing was registered or changed: ${String(error)}`);
  }
}

async function remember(path: string): Promise<() => Promise<void>> {
  if (!existsSync(path)) return () => rm(path, { force: true });
  const content = await readFile(path);
  return () => writeFile(path, content);
}
