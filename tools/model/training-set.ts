import { createHash } from 'node:crypto';
import type { GradedRow } from './graded-rows.ts';
import { estimateStrengths } from './model-strengths.ts';

export type Target = { readonly model: number; readonly score: number };

/** Embedded rows, most of whose dimensions are zero and not stored. */
export type TrainingSet = {
  readonly models: readonly string[];
  readonly dimensions: number;
  /** Where each row's entries begin in `indices` and `values`; one more than there are rows. */
  readonly offsets: Int32Array;
  readonly indices: Int32Array;
  readonly values: Float32Array;
  readonly targets: readonly (readonly Target[])[];
  /** How much each row counts. */
  readonly weights: Float32Array;
  /** How good each model is: mean 0, variance 1. */
  readonly strengths: Float64Array;
  readonly trainRows: readonly number[];
  readonly validationRows: readonly number[];
};

/** One row in this many is held out. */
const VALIDATION_PART = 8;
/** 0: each row counts the same; 1: each source does. Chosen by cross-validation. */
const SOURCE_DAMPING = 0.2;

type Embed = (text: string) => Float32Array;

export function createTrainingSet(
  rows: readonly GradedRow[],
  dimensions: number,
  embed: Embed,
): TrainingSet {
  const models = [...new Set(rows.flatMap(({ scores }) => [...scores.keys()]))].sort();
  const indexOf = new Map(models.map((model, index) => [model, index]));
  const targets = rows.map(({ scores }) =>
    [...scores].map(([model, score]) => ({ model: indexOf.get(model) ?? 0, score })),
  );
  const numbers = rows.map((_, index) => index);
  return {
    models,
    dimensions,
    ...embedRows(rows, embed),
    targets,
    weights: weigh(rows),
    strengths: estimateStrengths(targets, models.length),
    trainRows: numbers.filter((index) => !isHeldOut(rows[index]?.id ?? '')),
    validationRows: numbers.filter((index) => isHeldOut(rows[index]?.id ?? '')),
  };
}

/** By a hash of the id, so that a row is on one side whatever else the data holds. */
function isHeldOut(id: string): boolean {
  return createHash('sha256').update(id).digest().readUInt32BE(0) % VALIDATION_PART === 0;
}

function embedRows(
  rows: readonly GradedRow[],
  embed: Embed,
): Pick<TrainingSet, 'offsets' | 'indices' | 'values'> {
  const offsets = new Int32Array(rows.length + 1);
  const indices: number[] = [];
  const values: number[] = [];
  for (const [row, { prompt }] of rows.entries()) {
    for (const [index, value] of embed(prompt).entries()) {
      if (value === 0) continue;
      indices.push(index);
      values.push(value);
    }
    offsets[row + 1] = indices.length;
  }
  return { offsets, indices: Int32Array.from(indices), values: Float32Array.from(values) };
}

/**
 * A source counts a little less than its rows: the largest benchmark would otherwise decide alone
 * what a prompt looks like. The mean weight is 1.
 */
function weigh(rows: readonly GradedRow[]): Float32Array {
  const counts = new Map<string, number>();
  for (const { source } of rows) counts.set(source, (counts.get(source) ?? 0) + 1);
  const raw = rows.map(({ source }) => (counts.get(source) ?? 1) ** -SOURCE_DAMPING);
  const mean = raw.reduce((sum, weight) => sum + weight, 0) / raw.length;
  return Float32Array.from(raw, (weight) => weight / mean);
}
