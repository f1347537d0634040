import { describe, expect, test } from 'vitest';
import { percentiles } from '../../shared/policy/quantiles.ts';
import { boostTrees } from '../../tools/model/boosted-trees.ts';
import { type EmbeddedRows, EmbeddedRowsBuilder } from '../../tools/model/embedded-rows.ts';
import { applyHead, measureScaling, solveHead } from '../../tools/model/linear-head.ts';
import { estimateStrengths } from '../../tools/model/model-strengths.ts';
import { computeMoments, headTarget, type Target } from '../../tools/model/row-moments.ts';
import { RANK, scoreByStrength } from '../../tools/model/strength-basis.ts';
import { binColumns } from '../../tools/model/tree-bins.ts';
import { createRandom } from '../fakes/routellm-weights.ts';

function everyRow(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row);
}

/** Embeds rows in 4 numbers: 2 columns kept whole, and 2 in which half of the numbers are 0. */
function embed(count: number, seed: number): EmbeddedRows {
  const random = createRandom(seed);
  const builder = new EmbeddedRowsBuilder(2);
  for (let row = 0; row < count; row += 1) {
    const isKept = (column: number): boolean => column < 2 || random() < 0.5;
    builder.add(Float32Array.from([0, 1, 2, 3], (one) => (isKept(one) ? 2 * random() - 1 : 0)));
  }
  return builder.finish();
}

/** Returns everything that learning a head needs besides moments. */
function headProblem(embedded: EmbeddedRows, ridge: number) {
  const rows = everyRow(embedded.count);
  const weights = new Float32Array(embedded.count).fill(1);
  return {
    embedded,
    rows,
    weights,
    ridge,
    scaling: measureScaling(embedded, rows),
    iterations: 500,
  };
}

describe('a linear head', () => {
  test('is found from scores without noise, whatever each row adds to all its scores', () => {
    const truth = {
      weights: Float64Array.of(2, -1, 0.5, 3, -1.5, 0, 1, 1),
      bias: Float64Array.of(0.25, -0.75),
    };
    const strengths = Float64Array.of(-1.2, -0.3, 0.2, 1.3);
    const embedded = embed(300, 1);
    const targets = [...everyRow(300)].map((row) =>
      Array.from(strengths, (strength, model) => ({
        model,
        score: scoreByStrength(applyHead(truth, embedded, row), 0, strength) + Math.sin(row),
      })),
    );
    const moments = computeMoments(targets, strengths);
    const head = solveHead({ ...headProblem(embedded, 1e-9), target: headTarget(moments) });
    const unseen = embed(50, 2);
    for (const row of everyRow(50)) {
      const expected = applyHead(truth, unseen, row);
      for (const [factor, found] of applyHead(head, unseen, row).entries()) {
        expect(Math.abs(found - (expected[factor] ?? 0))).toBeLessThan(0.02);
      }
    }
  });

  test('gives as many numbers as its target has', () => {
    const truth = {
      weights: Float64Array.of(2, -1, 0.5, 3, -1.5, 0, 1, 1, -2, 0.5, 0.25, -1),
      bias: Float64Array.of(0.25, -0.75, 1),
    };
    const embedded = embed(300, 1);
    const moment = Float64Array.from(
      [...everyRow(300)].flatMap((row) => [...applyHead(truth, embedded, row)]),
    );
    const head = solveHead({ ...headProblem(embedded, 1e-9), target: { width: 3, moment } });
    for (const [index, weight] of truth.weights.entries()) {
      expect(Math.abs((head.weights[index] ?? 0) - weight)).toBeLessThan(0.05);
    }
    expect(head.weights).toHaveLength(12);
  });
});

describe('boosted trees', () => {
  // The two columns hold zeros and ones: the first factor is 1 where they differ, -1 where they do not.
  const random = createRandom(3);
  const count = 400;
  const builder = new EmbeddedRowsBuilder(2);
  for (let row = 0; row < count; row += 1) {
    builder.add(Float32Array.of(Number(random() < 0.5), Number(random() < 0.5)));
  }
  const embedded = builder.finish();
  const read = (row: number, column: number): number => embedded.dense[row * 2 + column] ?? 0;
  const truth = (row: number): number => (read(row, 0) === read(row, 1) ? -1 : 1);
  // The two models have strengths 1 and -1, and their scores differ by twice the first factor.
  const targets = [...everyRow(count)].map((row) => [
    { model: 0, score: truth(row) },
    { model: 1, score: -truth(row) },
  ]);
  const moments = computeMoments(targets, Float64Array.of(1, -1));
  const problem = headProblem(embedded, 1e-9);
  const errorOf = (factors: ArrayLike<number>): number =>
    everyRow(count).reduce(
      (sum, row) => sum + ((factors[row * RANK] ?? 0) - truth(row)) ** 2 / count,
      0,
    );

  function boost(seed: number, wanted = 100): { readonly errors: number[]; readonly last: number } {
    const errors: number[] = [];
    const data = binColumns({ rows: count, columns: 2, read }, problem.rows);
    const trees = boostTrees(
      {
        data,
        moments,
        rows: problem.rows,
        weights: problem.weights,
        onTree: (factors, trees) => {
          errors.push(errorOf(factors));
          return trees < wanted;
        },
      },
      {
        seed,
        trees: 100,
        leaves: 4,
        minRows: 10,
        ridge: 1,
        learningRate: 0.1,
        rowShare: 0.7,
        columnShare: 1,
      },
    );
    expect(trees).toHaveLength(errors.length);
    return { errors, last: errors.at(-1) ?? 1 };
  }

  test('learn an interaction of two columns, which a linear head cannot', () => {
    const head = solveHead({ ...problem, target: headTarget(moments) });
    const linear = [...everyRow(count)].flatMap((row) => [...applyHead(head, embedded, row)]);
    expect(errorOf(linear)).toBeGreaterThan(0.9);
    expect(boost(1).last).toBeLessThan(0.01);
  });

  test('lower the loss with each of the first trees', () => {
    const { errors } = boost(1);
    for (const [index, error] of errors.slice(1, 30).entries()) {
      expect(error).toBeLessThan(errors[index] ?? 0);
    }
  });

  test('are as many as are wanted, the same for the same seed, and others for another', () => {
    expect(boost(1, 7).errors).toHaveLength(7);
    expect(boost(1, 7).errors).toEqual(boost(1, 7).errors);
    expect(boost(2, 7).errors).not.toEqual(boost(1, 7).errors);
  });
});

describe('the strengths of models', () => {
  const [best, middle, worst] = [0, 1, 2];
  // The best model is only seen on hard rows and the worst on easy ones, so that plain means mislead.
  const hard: Target[] = [
    { model: best, score: 0.5 },
    { model: middle, score: 0.2 },
  ];
  const easy: Target[] = [
    { model: middle, score: 1 },
    { model: worst, score: 0.8 },
  ];
  const targets = [...everyRow(200)].map((row) => (row % 2 ? hard : easy));
  const estimate = (): Float64Array => estimateStrengths(targets, 3, headProblem(embed(200, 4), 8));

  test('are in their order although two models share no row', () => {
    const strengths = estimate();
    expect(strengths[best]).toBeGreaterThan((strengths[middle] ?? 0) + 0.3);
    expect(strengths[middle]).toBeGreaterThan((strengths[worst] ?? 0) + 0.3);
  });

  test('have a mean of 0 and a variance of 1', () => {
    const strengths = [...estimate()];
    expect(strengths.reduce((sum, one) => sum + one, 0)).toBeCloseTo(0, 10);
    expect(strengths.reduce((sum, one) => sum + one * one, 0)).toBeCloseTo(3, 10);
  });
});

describe('percentiles', () => {
  const random = createRandom(5);
  const values = Array.from({ length: 300 }, () => random());

  test('lie between the sorted values linearly', () => {
    const quarters = percentiles([4, 0, 8, 2, 6]);
    expect([0, 10, 25, 60, 100].map((percent) => quarters[percent])).toEqual([0, 0.8, 2, 4.8, 8]);
    expect(quarters).toHaveLength(101);
  });

  test('of equal weights are those without weights, whatever the weights sum to', () => {
    const plain = percentiles(values);
    for (const weight of [1, 1 / 3, 50]) {
      const weighted = percentiles(values, Array(300).fill(weight));
      for (const [percent, value] of weighted.entries()) {
        expect(value).toBeCloseTo(plain[percent] ?? 2, 9);
      }
    }
  });

  test('count a value of weight 3 nearly as three such values', () => {
    const weights = values.map((_, index) => 1 + 2 * (index % 2));
    const repeated = percentiles(
      values.flatMap((value, index) => Array<number>(weights[index] ?? 1).fill(value)),
    );
    for (const [percent, value] of percentiles(values, weights).entries()) {
      expect(Math.abs(value - (repeated[percent] ?? 2))).toBeLessThan(0.03);
    }
  });

  test('let two kinds count alike of which one has a hundred times the values', () => {
    const few = Array<number>(10).fill(0);
    const many = Array<number>(1_000).fill(1);
    const weights = [...few.map(() => 1 / 10), ...many.map(() => 1 / 1_000)];
    const shared = percentiles([...few, ...many], weights);
    expect([shared[40], shared[60]]).toEqual([0, 1]);
    expect(percentiles([...few, ...many])[40]).toBe(1);
  });

  test('of one value are that value, and rise for any weights', () => {
    expect(new Set(percentiles([0.3], [7]))).toEqual(new Set([0.3]));
    const weights = values.map((_, index) => 1 / (1 + (index % 7)));
    const weighted = percentiles(values, weights);
    expect(weighted).toEqual([...weighted].sort((a, b) => a - b));
    expect([weighted[0], weighted[100]]).toEqual([Math.min(...values), Math.max(...values)]);
  });
});
