import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfigError } from './errors.ts';

type ModelFile = {
  readonly path: string;
  /** The subject of the message, such as "The scorer local". */
  readonly what: string;
  /** In hex; absent if any file will do. */
  readonly sha256?: string | undefined;
  /** The sentence that says how to get the right file. */
  readonly remedy: string;
};

/** Reads a file that models need. Throws a ConfigError if it cannot be read, or is not the right one. */
export async function readModelFile({ path, what, sha256, remedy }: ModelFile): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new ConfigError([`${what} cannot be read: ${String(error)}. ${remedy}`]);
  });
  const found = sha256 && createHash('sha256').update(bytes).digest('hex');
  if (found === sha256) return bytes;
  throw new ConfigError([
    `${what} cannot be used: ${path} is damaged or another file, since its SHA-256 is ${found} and should be ${sha256}. ${remedy}`,
  ]);
}
