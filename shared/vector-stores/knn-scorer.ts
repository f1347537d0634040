import { setTimeout as delay } from 'node:timers/promises';
import { errorKind, type Log } from '../base/log.ts';
import type { Scorer, Scores } from '../matrix-factorization/scorer.ts';
import type { Hit } from './vector-engine.ts';

type KnnOptions = {
  /** What it falls back on, and starts from. */
  readonly base: Scorer;
  /** Recorded outcomes like a prompt, the nearest first; undefined: there are none. */
  readonly findNearest: (
    embedding: Float32Array,
    limit: number,
  ) => Promise<readonly Hit[] | undefined>;
  readonly log: Log;
};

/** So many neighbours vote. */
const NEIGHBOURS = 25;

/** What the base scorer says counts as so many neighbours that are the prompt itself. */
const BASE_WEIGHT = 2;

/** Longer the votes are not waited for. */
const TIMEOUT_MS = 250;

/**
 * A scorer of nearest neighbours: recorded outcomes of prompts like this one vote on the win rate, each
 * with the weight of its cosine, and the base scorer with that of two of them:
 *
 *   (2 base + sum w v) / (2 + sum w), v = 1 where the strong model did better, 0.5 where both did alike
 *
 * Where nothing is recorded, or it cannot be looked up in time, it is the base scorer. Attributes of an
 * outcome are the models' scores, from 0 to 1, under the scorer's names of the models.
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
        const { distance } = scores;
        return { winRate, ...(distance !== undefined && { distance }) };
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

/** None of an outcome that does not have both models. */
function voteOf({ attributes, score }: Hit, strong: string, weak: string) {
  const [a, b] = [attributes[strong], attributes[weak]];
  if (typeof a !== 'number' || typeof b !== 'number' || score <= 0) return [];
  return [{ weight: score, win: (Math.sign(a - b) + 1) / 2 }];
}
