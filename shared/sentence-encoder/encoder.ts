import { InferenceSession, Tensor } from 'onnxruntime-node';
import { ENCODING_DIMENSIONS, readPieces } from './read-pieces.ts';
import { parseVocabulary, type Vocabulary } from './vocabulary.ts';

/** Encodes texts in the thread that calls it, which does nothing else meanwhile. */
export type Encoder = {
  /**
   * Returns 1 and the encoding of a text; or only zeros if the encoder does not understand the text.
   */
  encode(text: string): Promise<Float32Array>;
};

/**
 * Opens an encoder: an ONNX model from the numbers of pieces to the encoding, and its vocabulary.
 * Throws an Error whose message is a clause with the reason when they do not fit.
 */
export async function openEncoder(model: Uint8Array, vocabularyFile: string): Promise<Encoder> {
  const vocabulary = parseVocabulary(vocabularyFile);
  // One thread: requests and the other instances on the machine need the rest.
  const session = await InferenceSession.create(model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });

  async function run(pieces: readonly number[]): Promise<Float32Array> {
    const numbers = BigInt64Array.from(pieces, BigInt);
    const { embedding } = await session.run({
      pieces: new Tensor('int64', numbers, [1, pieces.length]),
    });
    const result = new Float32Array(1 + ENCODING_DIMENSIONS);
    result[0] = 1;
    // The model's output is of this type and length: the first run has checked it.
    result.set(embedding?.data as Float32Array, 1);
    return result;
  }

  await tryOut(run, vocabulary);
  return {
    async encode(text) {
      const { pieces, isUnderstood } = readPieces(text, vocabulary);
      return isUnderstood ? await run(pieces) : new Float32Array(1 + ENCODING_DIMENSIONS);
    },
  };
}

/** Runs the model on the last piece, which shows that it has one for each line of the vocabulary. */
async function tryOut(
  run: (pieces: readonly number[]) => Promise<Float32Array>,
  { marks, size }: Vocabulary,
): Promise<void> {
  const numbers = await run([marks.start, size - 1, marks.end]);
  if (!numbers.every(Number.isFinite)) throw new Error('it gives numbers that are not finite');
}
