import { createRandom } from './random.ts';
import type { TrainingSet } from './training-set.ts';

/** Positions of the training prompts, as directions of their meaning minus the mean. */
export type Centroids = {
  /** The columns of an embedding that are compared, from `from` to `to`. */
  readonly from: number;
  readonly to: number;
  readonly mean: Float32Array;
  /** [count, to - from], unit vectors. */
  readonly directions: Float32Array;
  readonly count: number;
};

const COUNT = 128;
const ROUNDS = 12;
/** Keeps the zero vector, which has no direction, from causing a division by zero. */
export const SMALLEST_NORM = 1e-6;

/** Finds centroids by spherical k-means (Dhillon and Modha, 2001) over the rows to learn from. */
export function findCentroids(set: TrainingSet, seed: number): Centroids {
  const { from, to } = set.meaning;
  const width = to - from;
  const mean = meanOf(set, width);
  const points = [...set.trainRows].map((row) => directionOf(set, row, mean));
  const count = Math.min(COUNT, points.length);
  const random = createRandom(seed);
  const directions = new Float32Array(count * width);
  for (let index = 0; index < count; index += 1) {
    directions.set(points[Math.floor(random() * points.length)] ?? [], index * width);
  }
  const centroids = { from, to, mean, directions, count };
  for (let round = 0; round < ROUNDS; round += 1) moveCentroids(centroids, points);
  return centroids;
}

function meanOf(set: TrainingSet, width: number): Float32Array {
  const sums = new Float64Array(width);
  for (const row of set.trainRows) {
    for (const [index, value] of meaningOf(set, row).entries()) {
      sums[index] = (sums[index] ?? 0) + value;
    }
  }
  return Float32Array.from(sums, (sum) => sum / set.trainRows.length);
}

function meaningOf({ embedded, meaning }: TrainingSet, row: number): Float32Array {
  const base = row * embedded.denseColumns;
  return embedded.dense.subarray(base + meaning.from, base + meaning.to);
}

/** Returns a row's direction as a unit vector. */
function directionOf(set: TrainingSet, row: number, mean: Float32Array): Float32Array {
  return normalise(meaningOf(set, row).map((value, index) => value - (mean[index] ?? 0)));
}

function normalise(values: Float32Array): Float32Array {
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)) + SMALLEST_NORM;
  return values.map((value) => value / norm);
}

function moveCentroids(centroids: Centroids, points: readonly Float32Array[]): void {
  const { directions, count } = centroids;
  const width = centroids.to - centroids.from;
  const sums = new Float32Array(directions.length);
  const members = new Int32Array(count);
  for (const point of points) {
    const nearest = nearestOf(cosines(centroids, point));
    members[nearest] = (members[nearest] ?? 0) + 1;
    for (let index = 0; index < width; index += 1) {
      sums[nearest * width + index] = (sums[nearest * width + index] ?? 0) + (point[index] ?? 0);
    }
  }
  for (const [index, size] of members.entries()) {
    // A cluster without members keeps its direction.
    if (size === 0) continue;
    directions.set(normalise(sums.subarray(index * width, (index + 1) * width)), index * width);
  }
}

function cosines({ directions, count }: Centroids, direction: Float32Array): Float64Array {
  const width = direction.length;
  const result = new Float64Array(count);
  for (let centroid = 0; centroid < count; centroid += 1) {
    let sum = 0;
    for (let index = 0; index < width; index += 1) {
      sum += (directions[centroid * width + index] ?? 0) * (direction[index] ?? 0);
    }
    result[centroid] = sum;
  }
  return result;
}

function nearestOf(similarities: Float64Array): number {
  return similarities.indexOf(Math.max(...similarities));
}

/** Returns the cosines of one row's direction to all centroids. */
export function cosinesOf(centroids: Centroids, set: TrainingSet, row: number): Float64Array {
  return cosines(centroids, directionOf(set, row, centroids.mean));
}
