import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync, type Zippable, zipSync } from 'fflate';
import { listFiles } from './list-files.ts';

export type ZipEntry = {
  readonly name: string;
  readonly bytes: number;
  readonly zippedBytes: number;
};

const UNIX = 3;
/**
 * The earliest time that a zip can store. Zips store local time, so the bytes are the same in every
 * time zone.
 */
const MODIFIED = new Date(1980, 0, 1);

/** Zips all files of a folder. Equal files give equal bytes, whenever and wherever the zip is made. */
export async function zipFolder(folder: string): Promise<Uint8Array> {
  const entries: Zippable = {};
  for (const name of await listFiles(folder)) {
    const mode = /\.(node|so(\.\d+)*)$/.test(name) ? 0o100755 : 0o100644;
    // The upper half of the attributes is the mode.
    const attributes = { os: UNIX, attrs: mode << 16, mtime: MODIFIED };
    entries[name] = [await readFile(join(folder, name)), attributes];
  }
  return zipSync(entries);
}

export function listEntries(zip: Uint8Array): readonly ZipEntry[] {
  const entries: ZipEntry[] = [];
  unzipSync(zip, {
    filter: ({ name, originalSize, size }) => {
      entries.push({ name, bytes: originalSize, zippedBytes: size });
      // Only the sizes are needed.
      return false;
    },
  });
  return entries;
}
