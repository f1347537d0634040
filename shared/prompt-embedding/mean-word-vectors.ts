import { VECTOR_DIMENSIONS, type WordVectors } from './word-vectors.ts';

/**
 * A word counts a / (a + frequency): the smooth inverse frequency of Arora, Liang and Ma, "A simple
 * but tough-to-beat baseline for sentence embeddings" (ICLR 2017), with their a.
 */
const SMOOTHING = 1e-3;
/** By Zipf's law a word's frequency is 1 / (rank * H), H the harmonic number of all words (341,479). */
const HARMONIC_NUMBER = 13.3;

/** The mean of the vectors of the words, of all and of those at the ends of the prompt. */
export class MeanWordVectors {
  readonly #vectors: WordVectors;
  readonly #all = new Float64Array(VECTOR_DIMENSIONS);
  readonly #ends = new Float64Array(VECTOR_DIMENSIONS);
  #allWeight = 0;
  #endsWeight = 0;
  /** How many words have a vector. */
  known = 0;
  /** Of the natural logarithms of the ranks, the most frequent word's being 1. */
  logRankSum = 0;
  highestLogRank = 0;
  /** Known words that are not among the 5,000 and the 20,000 most frequent. */
  uncommon = 0;
  rare = 0;

  constructor(vectors: WordVectors) {
    this.#vectors = vectors;
  }

  add(hash: number, isAtEnd: boolean): void {
    const { ranks, scales, vectors } = this.#vectors;
    const position = this.#vectors.find(hash);
    if (position === -1) return;
    const rank = ranks[position] ?? 0;
    this.#countRank(rank);
    const frequency = 1 / ((rank + 1) * HARMONIC_NUMBER);
    const weight = Math.fround(SMOOTHING / (SMOOTHING + frequency));
    const scale = weight * (scales[position] ?? 0);
    const start = position * VECTOR_DIMENSIONS;
    addScaled(this.#all, vectors, start, scale);
    this.#allWeight += weight;
    if (!isAtEnd) return;
    addScaled(this.#ends, vectors, start, scale);
    this.#endsWeight += weight;
  }

  #countRank(rank: number): void {
    const logRank = Math.log(rank + 1);
    this.known += 1;
    this.logRankSum += logRank;
    if (logRank > this.highestLogRank) this.highestLogRank = logRank;
    if (rank > 5_000) this.uncommon += 1;
    if (rank > 20_000) this.rare += 1;
  }

  /** Writes both means to `target` from `offset`, zeros when no word has a vector. */
  write(target: Float32Array, offset: number): void {
    writeMean(this.#all, this.#allWeight, target, offset);
    writeMean(this.#ends, this.#endsWeight, target, offset + VECTOR_DIMENSIONS);
  }
}

function addScaled(sum: Float64Array, vectors: Int8Array, start: number, scale: number): void {
  for (let index = 0; index < VECTOR_DIMENSIONS; index += 1) {
    sum[index] = (sum[index] ?? 0) + scale * (vectors[start + index] ?? 0);
  }
}

function writeMean(sum: Float64Array, weight: number, target: Float32Array, offset: number): void {
  if (weight === 0) return;
  for (const [index, value] of sum.entries()) target[offset + index] = value / weight;
}
