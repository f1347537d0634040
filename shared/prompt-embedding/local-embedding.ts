import { HashedNgrams, NGRAM_SLOTS } from './hashed-ngrams.ts';
import { MeanWordVectors } from './mean-word-vectors.ts';
import { FEATURE_NAMES, writePromptFeatures } from './prompt-features.ts';
import { readPrompt, splitWords } from './prompt-words.ts';
import { isNumber, WordCounts } from './word-counts.ts';
import { hashWord } from './word-hash.ts';
import { loadWordVectors, VECTOR_DIMENSIONS, type WordVectors } from './word-vectors.ts';

/** How many words of each end count as what the prompt asks. */
const WORDS_PER_END = 20;

const VECTORS_AT = FEATURE_NAMES.length;
const NGRAMS_AT = VECTORS_AT + 2 * VECTOR_DIMENSIONS;

/**
 * The embedder of the scorers that this project trains. Its numbers, in their order:
 *
 *   113   dense features, named in `FEATURE_NAMES`
 *   100   the mean of the vectors of all words
 *   100   the same of the first and the last 20 words
 *   8192  hashed words and word bigrams
 *   4096  hashed character trigrams and 4-grams
 */
export const LOCAL_EMBEDDER = {
  /** Names the numbers: a change of any of them is a new id, since scorers are trained on them. */
  id: 'local/2',
  dimensions: NGRAMS_AT + NGRAM_SLOTS,
  /** So many come first that are hardly ever 0; of the rest nearly all are. */
  denseDimensions: NGRAMS_AT,
  /** The numbers [from, to) whose direction says what a prompt is about. */
  meaning: { from: VECTORS_AT, to: VECTORS_AT + VECTOR_DIMENSIONS },
} as const;

/** Embeds prompts in this process, without a call. */
export type LocalEmbedder = {
  readonly id: string;
  readonly dimensions: number;
  readonly denseDimensions: number;
  /** Every string has a finite embedding, the empty one too. */
  embed(text: string): Float32Array;
};

/**
 * The word vectors are the app's, whichever folder its scorers are in. Throws a ConfigError when they
 * cannot be read.
 */
export async function loadLocalEmbedder(modelsFolder = 'models'): Promise<LocalEmbedder> {
  return createLocalEmbedder(await loadWordVectors(modelsFolder));
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
        // All numbers would be about as near to each other as to anything.
        if (!isNumber(word)) meaning.add(hash, isAtEnd);
      }
      writePromptFeatures({ text, words, meaning }, embedding, 0);
      meaning.write(embedding, VECTORS_AT);
      ngrams.finish();
      return embedding;
    },
  };
}
