import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../base/errors.ts';
import { type Encoder, openEncoder } from './encoder.ts';

/** The files of the encoder, relative to the folder of the registry. */
export const ENCODER_FILES = {
  model: 'encoder/encoder.onnx',
  vocabulary: 'encoder/vocabulary.txt',
} as const;

const REMEDY =
  'Both files of the encoder come with the project (models/encoder); npm run embedder:build -- encoder builds them again.';

/**
 * Loads the encoder in the folder of the registry, to run in this thread. Throws a ConfigError that
 * says how to restore its files.
 */
export async function loadEncoder(modelsFolder: string): Promise<Encoder> {
  const model = join(modelsFolder, ENCODER_FILES.model);
  const vocabulary = join(modelsFolder, ENCODER_FILES.vocabulary);
  const [bytes, text] = await Promise.all([read(model), read(vocabulary)]);
  try {
    return await openEncoder(bytes, text.toString());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`${model} and ${vocabulary} are not an encoder: ${reason}. ${REMEDY}`]);
  }
}

function read(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw new ConfigError([
      `The encoder's file ${path} cannot be read: ${String(error)}. ${REMEDY}`,
    ]);
  });
}
