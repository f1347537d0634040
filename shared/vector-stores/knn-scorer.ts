import { setTimeout as delay } from 'node:timers/promises';
import { errorKind, type Log } from '../base/log.ts';
import type { Scorer, Scores } from '../matrix-factorization/scorer.ts';
import type { Hit } from './vector-engine.ts';

type KnnOptions = {
  /** The scorer whose win rate the votes start from, and that is used without votes. */
  readonly base: Scorer;
  /** Returns recorded outcomes of similar prompts, the nearest first; undefined if there are none. */
  readonly findNearest: (
    embedding: Float32Array,
    limit: number,
  ) => Promise<readonly Hit[] | undefined>;
  readonly log: Log;
};

/** The number of neighbours that vote. */
const NEIGHBOURS = 25;

/** The weight of the base scorer, in neighbours identical to the prompt. */
const BASE_WEIGHT = 2;

/** The longest time to wait for votes. */
const TIMEOUT_MS = 250;

/**
 * Creates a scorer of nearest neighbours. Recorded outcomes of similar prompts vote on the win rate, each
 * weighted by its cosine, and the base scorer has the weight of two identical prompts:
 *
 *   (2 base + sum w v) / (2 + sum w), v = 1 if the strong model did better, 0.5 if both did equally well
 *
 * Without recorded outcomes, or if they cannot be read in time, the base scorer decides. The attributes
 * of an outcome are the models' scores, 0 to 1, under the scorer's names of the models.
 */
export function createKnnScorer({ base, findNearest, log }: KnnOptions): Scorer {
  async function votersOf(embedding: Float32Array): Promise<readonly Hit[]> {
    try {
      const found = findNearest(embedding, NEIGHBOURS);
      return (await Promise.race([found, delay(TIMEOUT_MS, undefined, { ref: false })])) ?? [];
    } catch (error) {
      log('warning', 'neighbours-not-found', { error: errorKind(error) });
      return [];
    }
  }

  async function score(embeddings: readonly Float32Array[]): Promise<(Scores | undefined)[]> {
    const [scores, voters] = await Promise.all([
      base.score(embeddings),
      Promise.all(embeddings.map(votersOf)),
    ]);
    return scores.map((one, index) => one && withVotes(one, voters[index] ?? []));
  }

  return {
    ...base,
    name: `knn+${base.name}`,
    score,
    predict: async (embeddings, { strong, weak }) =>
      (await score(embeddings)).map((scores) => {
        const winRate = scores?.winRate(strong, weak) ?? Number.NaN;
        if (scores === undefined || Number.isNaN(winRate)) return undefined;
        return { winRate };
      }),
    predictWinRate: async (embedding, { strong, weak }) => {
      const [scores] = await score([embedding]);
      return scores?.winRate(strong, weak) ?? Number.NaN;
    },
  };
}

function withVotes(scores: Scores, voters: readonly Hit[]): Scores {
  return {
    ...scores,
    winRate: (strong, weak) => {
      const votes = voters.flatMap((voter) => voteOf(voter, strong, weak));
      let weight = BASE_WEIGHT;
      let sum = BASE_WEIGHT * scores.winRate(strong, weak);
      for (const vote of votes) {
        weight += vote.weight;
        sum += vote.weight * vote.win;
      }
      return sum / weight;
    },
  };
}

/** Returns no vote for an outcome without scores of both models. */
function voteOf({ attributes, score }: Hit, strong: string, weak: string) {
  const [a, b] = [attributes[strong], attributes[weak]];
  if (typeof a !== 'number' || typeof b !== 'number' || score <= 0) return [];
  return [{ weight: score, win: (Math.sign(a - b) + 1) / 2 }];
}
