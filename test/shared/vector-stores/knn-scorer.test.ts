import { describe, expect, test } from 'vitest';
import type { Scorer } from '../../../shared/matrix-factorization/scorer.ts';
import { createKnnScorer } from '../../../shared/vector-stores/knn-scorer.ts';
import type { Hit } from '../../../shared/vector-stores/vector-engine.ts';

const base: Scorer = {
  name: 'local@2',
  dimensions: 2,
  predictWinRate: async () => 0.4,
  predict: async (embeddings) => embeddings.map(() => ({ winRate: 0.4 })),
  score: async (embeddings) => embeddings.map(() => ({ winRate: () => 0.4 })),
};

const hit = (score: number, strong: number, weak: number): Hit => ({
  id: 'x',
  score,
  createdAt: 0,
  attributes: { strong, weak, source: 'test' },
});

function start(findNearest: () => Promise<readonly Hit[] | undefined>) {
  const logged: string[] = [];
  const scorer = createKnnScorer({ base, findNearest, log: (_, event) => logged.push(event) });
  const winRate = async (strong = 'strong', weak = 'weak') => {
    const [scores] = await scorer.score([Float32Array.of(1, 0)]);
    return scores?.winRate(strong, weak);
  };
  return { scorer, winRate, logged };
}

describe('a scorer of nearest neighbours', () => {
  test('counts the votes of outcomes weighted by cosine, in addition to the base scorer', async () => {
    const { winRate, scorer } = start(async () => [
      hit(0.9, 1, 0),
      hit(0.5, 0.5, 0.5),
      hit(0.6, 0, 1),
    ]);
    expect(await winRate()).toBeCloseTo(
      (2 * 0.4 + 0.9 * 1 + 0.5 * 0.5) / (2 + 0.9 + 0.5 + 0.6),
      10,
    );
    expect(await winRate('weak', 'strong')).toBeCloseTo((0.8 + 0.25 + 0.6) / 4, 10);
    expect(scorer.name).toBe('knn+local@2');
    const pair = { strong: 'strong', weak: 'weak' };
    const one = Float32Array.of(1, 0);
    const expected = await winRate();
    expect(await scorer.predict([one], pair)).toEqual([{ winRate: expected }]);
    expect(await scorer.predictWinRate(one, pair)).toBe(expected);
  });

  test('equals its base scorer where no outcome has both models, or none is similar to the prompt', async () => {
    expect(await start(async () => undefined).winRate()).toBe(0.4);
    expect(await start(async () => []).winRate()).toBe(0.4);
    expect(await start(async () => [hit(0.9, 1, 0)]).winRate('strong', 'another')).toBe(0.4);
    expect(await start(async () => [hit(-0.2, 1, 0)]).winRate()).toBe(0.4);
  });

  test('equals its base scorer when the outcomes cannot be read, or not in time', async () => {
    const failing = start(() => Promise.reject(new Error('gone')));
    expect(await failing.winRate()).toBe(0.4);
    expect(failing.logged).toEqual(['neighbours-not-found']);
    const slow = start(() => new Promise(() => undefined));
    expect(await slow.winRate()).toBe(0.4);
  });
});
