import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { unzipSync } from 'fflate';
import { InputError } from '../command-line/input-error.ts';

/**
 * Unpacks a zip into an empty folder. Throws an InputError when the file is not a zip, or has paths
 * outside the folder.
 */
export async function unzip(path: string, folder: string): Promise<void> {
  for (const [name, content] of Object.entries(await readZip(path))) {
    const target = join(folder, name);
    if (!target.startsWith(resolve(folder) + sep)) {
      throw new InputError(`${path} has a file with a path outside its folder: ${name}`);
    }
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
}

async function readZip(path: string): Promise<Readonly<Record<string, Uint8Array>>> {
  try {
    return unzipSync(await readFile(path));
  } catch (error) {
    throw new InputError(`${path} cannot be read: ${String(error)}. Make it with npm run package.`);
  }
}
