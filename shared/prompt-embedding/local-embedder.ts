import type { LocalEmbedder } from './embedders.ts';
import { HashedNgrams, NGRAM_SLOTS } from './hashed-ngrams.ts';
import { MeanWordVectors } from './mean-word-vectors.ts';
import { FEATURE_NAMES, writePromptFeatures } from './prompt-features.ts';
import { readPrompt, splitWords } from './prompt-words.ts';
import { isNumber, WordCounts } from './word-counts.ts';
import { hashWord } from './word-hash.ts';
import { loadWordVectors, VECTOR_DIMENSIONS, type WordVectors } from './word-vectors.ts';

/** How many words at each end count as the question of the prompt. */
const WORDS_PER_END = 20;

const VECTORS_AT = FEATURE_NAMES.length;
const NGRAMS_AT = VECTORS_AT + 2 * VECTOR_DIMENSIONS;

/**
 * The embedder of the scorers that this project trains. Its embeddings have, in this order:
 *
 *   113   dense features, named in `FEATURE_NAMES`
 *   100   the mean of the vectors of all words
 *   100   the mean of the vectors of the first and the last 20 words
 *   8192  hashed words and word bigrams
 *   4096  hashed character trigrams and 4-grams
 */
export const LOCAL_EMBEDDER = {
  /**
   * Identifies the numbers: scorers are trained on them, so a change of any number needs a new id.
   */
  id: 'local/2',
  dimensions: NGRAMS_AT + NGRAM_SLOTS,
  /** The SHA-256 of the word vectors, without which the numbers would be others. */
  wordVectors: '5ae014ec84a8640c144eb8d98dd43f626f0577f67001e4d9d7d58db0c34c3c22',
  /** How many numbers at the beginning are rarely 0; nearly all the others are. */
  denseDimensions: NGRAMS_AT,
  /** The range [from, to) of the numbers whose direction tells a prompt's topic. */
  meaning: { from: VECTORS_AT, to: VECTORS_AT + VECTOR_DIMENSIONS },
} as const;

/**
 * Loads the local embedder. By default its word vectors are the app's own, whichever folder its
 * scorers are in. Throws a ConfigError when they cannot be read or are others.
 */
export async function loadLocalEmbedder(modelsFolder = 'models'): Promise<LocalEmbedder> {
  return createLocalEmbedder(await loadWordVectors(modelsFolder, LOCAL_EMBEDDER.wordVectors));
}

function createLocalEmbedder(vectors: WordVectors): LocalEmbedder {
  return {
    ...LOCAL_EMBEDDER,
    embed(prompt) {
      const embedding = new Float32Array(LOCAL_EMBEDDER.dimensions);
      const text = readPrompt(prompt);
      const allWords = splitWords(text);
      const words = new WordCounts();
      const meaning = new MeanWordVectors(vectors);
      const ngrams = new HashedNgrams(embedding, NGRAMS_AT);
      for (const [index, word] of allWords.entries()) {
        const isAtEnd = index < WORDS_PER_END || index >= allWords.length - WORDS_PER_END;
        const hash = hashWord(word);
        words.add(word, isAtEnd);
        ngrams.add(word, hash);
        // The vectors of numbers are about as near to each other as to anything else.
        if (!isNumber(word)) meaning.add(hash, isAtEnd);
      }
      writePromptFeatures({ text, words, meaning }, embedding, 0);
      meaning.write(embedding, VECTORS_AT);
      ngrams.finish();
      return embedding;
    },
  };
}
