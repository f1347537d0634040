import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../shared/base/errors.ts';
import { load } from '../../../shared/matrix-factorization/scorer.ts';
import { type DistanceScorer, writeDistanceScorer } from '../../support/distance-scorer.ts';

const written: DistanceScorer[] = [];
afterAll(() => Promise.all(written.map((scorer) => scorer.remove())));

type Options = Partial<Parameters<typeof writeDistanceScorer>[0]>;

/** Three dimensions: the first is the score of `big`, the last two are where the centroids lie. */
async function write(options: Options = {}): Promise<DistanceScorer> {
  const scorer = await writeDistanceScorer({
    embedder: 'any',
    weights: [Float32Array.of(1, 0, 0), Float32Array.of(0, 0, 0)],
    centroids: [Float32Array.of(0, 1, 0), Float32Array.of(0, 0, 1)],
    ...options,
  });
  written.push(scorer);
  return scorer;
}

const open = ({ entry, modelsFolder }: DistanceScorer) => load(entry, modelsFolder);

async function refusal(options: Options): Promise<string> {
  const scorer = await write(options);
  const error: unknown = await open(scorer).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ConfigError);
  return String(error);
}

const pair = { strong: 'big', weak: 'small' };

describe('the distance', () => {
  test('is one minus the cosine to the nearest centroid, whatever the length', async () => {
    const scorer = await open(await write({ limit: 0.4 }));
    expect(scorer.distanceLimit).toBe(0.4);
    const predictions = await scorer.predict(
      [
        Float32Array.of(0, 5, 0),
        Float32Array.of(0, 0, 0.1),
        Float32Array.of(0, 3, 4),
        Float32Array.of(2, 0, 0),
        Float32Array.of(0, -1, -1),
      ],
      pair,
    );
    const distances = predictions.map((one) => one?.distance);
    for (const [index, expected] of [0, 0, 0.2, 1, 1 + Math.SQRT1_2].entries()) {
      expect(distances[index]).toBeCloseTo(expected, 6);
      expect(distances[index]).toBeGreaterThanOrEqual(0);
    }
  });

  test('is absent, like the limit, for a graph without one', async () => {
    const scorer = await open(await write({ output: 'missing' }));
    expect(scorer).not.toHaveProperty('distanceLimit');
    expect(await scorer.predict([Float32Array.of(0, 1, 0)], pair)).toEqual([{ winRate: 0.5 }]);
  });

  test('that is not a number affects only its own prompt', async () => {
    const scorer = await open(await write());
    const some = Float32Array.of(1, 1, 0);
    const [before, nothing, after] = await scorer.predict([some, new Float32Array(3), some], pair);
    expect(nothing).toBeUndefined();
    expect(before?.winRate).toBeCloseTo(1 / (1 + Math.exp(-1)), 7);
    expect(after).toEqual(before);
    await expect(scorer.predictWinRate(new Float32Array(3), pair)).rejects.toThrow(
      'gave no score for big over small',
    );
  });
});

describe('a graph that breaks the contract', () => {
  test.each([
    ['one-dimensional', /output "distance" must be float32 \[batch, 1\], but is float32 \[batch\]/],
    ['too wide', /output "distance" must be float32 \[batch, 1\], but is float32 \[batch, 2\]/],
    ['float64', /output "distance" must be float32 \[batch, 1\], but is float64 \[batch, 1\]/],
    ['one row', /cannot be run \(scorer distant\)/],
  ] as const)('because its distance is %s is refused', async (output, message) => {
    expect(await refusal({ output })).toMatch(message);
    expect(await refusal({ output, limit: 1 })).toMatch(message);
  });

  test.each([
    { weights: [Float32Array.of(Number.NaN, 0, 0), new Float32Array(3)] as const },
    { centroids: [Float32Array.of(0, Number.NaN, 0)] },
  ])('because it gives no numbers is refused: case %#', async (options) => {
    expect(await refusal(options)).toMatch(/not a number \(scorer distant\)/);
  });

  test('because it has no distance is refused if the entry has a limit', async () => {
    expect(await refusal({ output: 'missing', limit: 0.4 })).toMatch(
      /outOfDistribution\.limit.*"distance".*\(scorer distant\)/,
    );
  });
});
