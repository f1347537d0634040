import { type Centroids, cosinesOf } from './centroids.ts';
import type { PromptNumbers } from './model-deviations.ts';
import { meanLoss } from './prompt-factors.ts';
import { MomentSum, type RowMoments } from './row-moments.ts';
import { RANK } from './strength-basis.ts';
import type { TrainingSet } from './training-set.ts';

/** Factors as the mean of the clusters' factors, weighted by softmax(sharpness x cosine). */
export type ClusterFactors = {
  readonly sharpness: number;
  /** Factors of the clusters, [clusters, RANK]. */
  readonly clusters: Float64Array;
  /** Factors of all rows of the training set, [rows, RANK]. */
  readonly factors: Float64Array;
  /** Each row's shares in the clusters. */
  readonly numbers: PromptNumbers;
};

/** Candidate values of the sharpness; the one with the least loss on the held-out rows is kept. */
const SHARPNESSES = [4, 8, 16, 32];
/** Weight of the factors of all rows in a cluster's own factors, as a number of rows. */
const CLUSTER_INERTIA = 12;

type ClusterTraining = {
  readonly set: TrainingSet;
  readonly moments: RowMoments;
  readonly centroids: Centroids;
};

/** Trains clusters of prompts that have their own win rates (as Avengers-Pro does, without a network). */
export function trainClusterFactors(training: ClusterTraining): ClusterFactors {
  const candidates = SHARPNESSES.map((sharpness) => {
    const numbers = findShares(training, sharpness);
    const clusters = fitClusters(training, numbers);
    const factors = mixClusters(numbers, clusters);
    return { sharpness, clusters, factors, numbers, loss: meanLoss(training, factors) };
  });
  const best = candidates.reduce((one, other) => (other.loss < one.loss ? other : one));
  console.error(
    `Kept a sharpness of ${best.sharpness}: loss on held-out rows ${best.loss.toFixed(5)}`,
  );
  return best;
}

function findShares({ set, centroids }: ClusterTraining, sharpness: number): PromptNumbers {
  const width = centroids.count;
  const values = new Float32Array(set.embedded.count * width);
  for (let row = 0; row < set.embedded.count; row += 1) {
    const cosines = cosinesOf(centroids, set, row);
    const top = Math.max(...cosines);
    const raw = cosines.map((cosine) => Math.exp(sharpness * (cosine - top)));
    const sum = raw.reduce((one, other) => one + other, 0);
    values.set(
      raw.map((value) => value / sum),
      row * width,
    );
  }
  return { width, values };
}

function fitClusters({ set, moments }: ClusterTraining, shares: PromptNumbers): Float64Array {
  const sums = Array.from({ length: shares.width }, () => new MomentSum());
  const overall = new MomentSum();
  for (const row of set.trainRows) {
    const weight = set.weights[row] ?? 1;
    overall.add(moments, row, weight);
    for (const [cluster, share] of sharesOf(shares, row).entries()) {
      sums[cluster]?.add(moments, row, share * weight);
    }
  }
  const prior = overall.solve([0, 0], 1);
  return Float64Array.from(sums.flatMap((sum) => sum.solve(prior, CLUSTER_INERTIA)));
}

function mixClusters(shares: PromptNumbers, clusters: Float64Array): Float64Array {
  const rows = shares.values.length / shares.width;
  const factors = new Float64Array(rows * RANK);
  for (let row = 0; row < rows; row += 1) {
    for (const [cluster, share] of sharesOf(shares, row).entries()) {
      for (let factor = 0; factor < RANK; factor += 1) {
        const at = row * RANK + factor;
        factors[at] = (factors[at] ?? 0) + share * (clusters[cluster * RANK + factor] ?? 0);
      }
    }
  }
  return factors;
}

function sharesOf({ width, values }: PromptNumbers, row: number): Float32Array {
  return values.subarray(row * width, (row + 1) * width);
}
