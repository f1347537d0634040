import { VECTOR_DIMENSIONS, type WordVectors } from './word-vectors.ts';

/**
 * The `a` in a word's weight a / (a + frequency): the smooth inverse frequency of Arora, Liang and
 * Ma, "A simple but tough-to-beat baseline for sentence embeddings" (ICLR 2017), with their value.
 */
const SMOOTHING = 1e-3;
/**
 * The H in a word's frequency 1 / (rank * H) by Zipf's law: the harmonic number of all 341,479
 * words.
 */
const HARMONIC_NUMBER = 13.3;

/** The means of the word vectors: of all words, and of the words at the ends of the prompt. */
export class MeanWordVectors {
  readonly #vectors: WordVectors;
  readonly #all: WeightedMean;
  readonly #ends: WeightedMean;
  /** How many words have a vector. */
  known = 0;
  /** The sum of the natural logarithms of the ranks; the most frequent word has the rank 1. */
  logRankSum = 0;
  highestLogRank = 0;
  /** Known words that are not among the 5,000 (`uncommon`) or 20,000 (`rare`) most frequent. */
  uncommon = 0;
  rare = 0;

  constructor(vectors: WordVectors) {
    this.#vectors = vectors;
    this.#all = new WeightedMean(vectors);
    this.#ends = new WeightedMean(vectors);
  }

  add(hash: number, isAtEnd: boolean): void {
    const position = this.#vectors.find(hash);
    if (position === -1) return;
    const rank = this.#vectors.ranks[position] ?? 0;
    this.#countRank(rank);
    const frequency = 1 / ((rank + 1) * HARMONIC_NUMBER);
    const weight = Math.fround(SMOOTHING / (SMOOTHING + frequency));
    this.#all.add(position, weight);
    if (isAtEnd) this.#ends.add(position, weight);
  }

  #countRank(rank: number): void {
    const logRank = Math.log(rank + 1);
    this.known += 1;
    this.logRankSum += logRank;
    if (logRank > this.highestLogRank) this.highestLogRank = logRank;
    if (rank > 5_000) this.uncommon += 1;
    if (rank > 20_000) this.rare += 1;
  }

  /** Writes both means to `target`, which holds zeros, from `offset`. */
  write(target: Float32Array, offset: number): void {
    this.#all.write(target, offset);
    this.#ends.write(target, offset + VECTOR_DIMENSIONS);
  }
}

class WeightedMean {
  readonly #vectors: WordVectors;
  readonly #sum = new Float64Array(VECTOR_DIMENSIONS);
  #weight = 0;

  constructor(vectors: WordVectors) {
    this.#vectors = vectors;
  }

  /** Adds the vector at a position. */
  add(position: number, weight: number): void {
    const sum = this.#sum;
    const { scales, vectors } = this.#vectors;
    const scale = weight * (scales[position] ?? 0);
    const start = position * VECTOR_DIMENSIONS;
    for (let index = 0; index < VECTOR_DIMENSIONS; index += 1) {
      sum[index] = (sum[index] ?? 0) + scale * (vectors[start + index] ?? 0);
    }
    this.#weight += weight;
  }

  /** Writes the mean to `target` from `offset`, or nothing when no vector was added. */
  write(target: Float32Array, offset: number): void {
    const weight = this.#weight;
    if (weight === 0) return;
    for (const [index, value] of this.#sum.entries()) target[offset + index] = value / weight;
  }
}
