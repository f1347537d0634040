import { addHashedNgrams, CHARACTER_SLOTS, WORD_SLOTS } from './hashed-ngrams.ts';
import { addPromptFeatures, FEATURE_COUNT } from './prompt-features.ts';

/** Embeds prompts in this process, without a call. */
export type LocalEmbedder = {
  /** Names the features: a change of any of them is a new id, since scorers are trained on it. */
  readonly id: string;
  readonly dimensions: number;
  embed(text: string): Float32Array;
};

/**
 * Only this many characters (UTF-16 units) of each end are read, so that a huge prompt costs no
 * more than a long one: what a prompt asks for nearly always stands at its beginning or its end.
 */
const MAX_CHARACTERS_PER_END = 3_000;

/** A text without a space is still cut into words. */
const MAX_WORD_CHARACTERS = 40;

/** Letters and digits of any script, with the apostrophes and hyphens inside a word. */
const WORD = new RegExp(
  `[\\p{L}\\p{M}\\p{N}](?:[\\p{L}\\p{M}\\p{N}]|['’-](?=\\p{L})){0,${MAX_WORD_CHARACTERS - 1}}`,
  'gu',
);

const DIMENSIONS = FEATURE_COUNT + WORD_SLOTS + CHARACTER_SLOTS;

/**
 * The embedder of the scorers that this project trains: hashed word and character n-grams and
 * dense features of the prompt's form. Every string has a finite embedding, the empty one too.
 */
export const localEmbedder: LocalEmbedder = {
  id: 'local/1',
  dimensions: DIMENSIONS,
  embed(text) {
    const embedding = new Float32Array(DIMENSIONS);
    const read = cut(text);
    const words = read.toLowerCase().match(WORD) ?? [];
    addPromptFeatures(read, words, embedding, 0);
    addHashedNgrams(words, embedding, FEATURE_COUNT);
    return embedding;
  },
};

function cut(text: string): string {
  if (text.length <= 2 * MAX_CHARACTERS_PER_END) return text;
  return `${text.slice(0, MAX_CHARACTERS_PER_END)}\n${text.slice(-MAX_CHARACTERS_PER_END)}`;
}
