import { join } from 'node:path';
import { ConfigError } from '../base/errors.ts';
import { readModelFile } from '../base/read-model-file.ts';
import { type Encoder, openEncoder } from './encoder.ts';

/** The files of the encoder, relative to the folder of the registry. */
export const ENCODER_FILES = {
  model: 'encoder/encoder.onnx',
  vocabulary: 'encoder/vocabulary.txt',
} as const;

/** SHA-256 of the files, in hex: other files would give other numbers. */
const HASHES = {
  model: 'bb56c0838464b6d16fb933045adb21d4b7789e0a6ad37ba1faddab4dbb5feef7',
  vocabulary: '51c3a2f1e2b8feb42ebfae1b6710002fe827be586753005bf6c3e1e0892717e9',
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
  const [bytes, text] = await Promise.all([
    readModelFile({
      path: model,
      what: 'The sentence encoder',
      sha256: HASHES.model,
      remedy: REMEDY,
    }),
    readModelFile({
      path: vocabulary,
      what: 'The vocabulary of the sentence encoder',
      sha256: HASHES.vocabulary,
      remedy: REMEDY,
    }),
  ]);
  try {
    return await openEncoder(bytes, text.toString());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`${model} and ${vocabulary} are not an encoder: ${reason}. ${REMEDY}`]);
  }
}
