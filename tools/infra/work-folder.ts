import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/**
 * Two copies of the templates, since the compiler writes files next to its inputs, under names that
 * may exist already.
 */
export type WorkFolder = {
  readonly compiled: string;
  readonly formatted: string;
  remove(): Promise<void>;
};

/** Copies the templates in `folder`, and `docs/openapi.json` next to it if it exists. */
export async function copyTemplates(folder: string): Promise<WorkFolder> {
  const work = await realpath(await mkdtemp(join(tmpdir(), 'smart-router-infra-')));
  const copies = { compiled: join(work, 'a', 'infra'), formatted: join(work, 'b', 'infra') };
  for (const copy of Object.values(copies)) {
    await cp(folder, copy, { recursive: true, filter: (path) => basename(path) !== 'snapshots' });
    const docs = join(dirname(copy), 'docs');
    await mkdir(docs, { recursive: true });
    await cp(openApiFileOf(folder), join(docs, 'openapi.json')).catch(unlessMissing);
  }
  return { ...copies, remove: () => rm(work, { recursive: true, force: true }) };
}

export function openApiFileOf(folder: string): string {
  return join(dirname(folder), 'docs', 'openapi.json');
}

/** Resolves to undefined when the file does not exist. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    return unlessMissing(error);
  }
}

/** Lists the files below a folder whose names match, as sorted relative paths. */
export async function listFiles(folder: string, pattern: RegExp): Promise<readonly string[]> {
  try {
    const names = await readdir(folder, { recursive: true });
    return names.filter((name) => pattern.test(name)).toSorted();
  } catch (error) {
    return unlessMissing(error) ?? [];
  }
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
