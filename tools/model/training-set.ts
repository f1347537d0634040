import { findOwnEmbedder } from '../../shared/prompt-embedding/own-embedders.ts';
import { InputError } from '../command-line/input-error.ts';
import { createProgress } from '../command-line/progress.ts';
import type { BatchEmbedder } from './batch-embedder.ts';
import { type EmbeddedRows, EmbeddedRowsBuilder } from './embedded-rows.ts';
import { hashPrompt } from './prompt-hashes.ts';
import type { RoutingRow } from './routing-rows.ts';
import type { Target } from './row-moments.ts';

/** A row without its text. */
export type TrainingRow = {
  /** Hash of the prompt's words, 0 to 2^32 - 1: a prompt in two files is on the same side in both. */
  readonly hash: number;
  readonly source: string;
  readonly characters: number;
  /** Scores by model. A preference gives either model its share of the win as its score. */
  readonly scores: ReadonlyMap<string, number>;
  readonly assumed: boolean;
};

/** Embedded rows and the facts known about them. */
export type TrainingSet = {
  readonly rows: readonly TrainingRow[];
  /** The embedder's id. */
  readonly embedder: string;
  readonly embedded: EmbeddedRows;
  /** The columns [from, to) whose direction represents the prompt's topic. */
  readonly meaning: { readonly from: number; readonly to: number };
  /** All models that the rows to learn from know, in alphabetical order. */
  readonly models: readonly string[];
  /** The graded models of each row, as positions in `models`. */
  readonly targets: readonly (readonly Target[])[];
  /** Number of each row's source and category. */
  readonly kinds: Int32Array;
  /** Number of each row's data file. */
  readonly files: Int32Array;
  readonly fileCount: number;
  /** Weight of each row; the mean over the rows to learn from is 1. */
  readonly weights: Float32Array;
  readonly trainRows: Int32Array;
  /** Rows of the same files that decide when to stop. */
  readonly heldOutRows: Int32Array;
  /** Rows of other files, used only for the figures. */
  readonly testRows: Int32Array;
};

/** One row in this many is held out. */
export const HELD_OUT_ONE_IN = 8;

/**
 * How far the files are balanced: with 0 each row counts the same, with 1 each file does. Otherwise
 * a large benchmark would dominate the scorer's idea of a prompt.
 */
const FILE_BALANCE = 0.25;

/** The rows of the data files; each element has those of one file. */
type Sources = {
  readonly train: readonly (readonly RoutingRow[])[];
  readonly test: readonly RoutingRow[];
  /** Whether there may be too few rows to train a scorer with. */
  readonly mayBeFew?: boolean;
};

/** Embeds the rows and arranges the data for training. Throws an InputError when there are too few rows. */
export async function createTrainingSet(
  { train, test, mayBeFew = false }: Sources,
  embedder: BatchEmbedder,
): Promise<TrainingSet> {
  const raw = [...train.flat(), ...test];
  const embedded = await embedRows(raw, embedder);
  const rows = raw.map(toTrainingRow);
  const files = Int32Array.from([
    ...train.flatMap((rowsOfFile, file) => rowsOfFile.map(() => file)),
    ...test.map(() => train.length),
  ]);
  const learnable = [...rows.keys()].filter((row) => (files[row] ?? 0) < train.length);
  const isHeldOut = (row: number): boolean => isHashHeldOut(rows[row]?.hash ?? 0);
  const trainRows = Int32Array.from(learnable.filter((row) => !isHeldOut(row)));
  const models = [
    ...new Set([...trainRows].flatMap((row) => [...(rows[row]?.scores.keys() ?? [])])),
  ].sort();
  const targets = findTargets(rows, models);
  const heldOutRows = Int32Array.from(
    // The models that they compare may be unknown to all other rows.
    learnable.filter((row) => isHeldOut(row) && (targets[row]?.length ?? 0) > 1),
  );
  if (!mayBeFew) checkEnough(rows, trainRows, heldOutRows);
  return {
    rows,
    embedder: embedder.id,
    embedded,
    meaning: meaningOf(embedder.id, embedded),
    models,
    targets,
    kinds: numberOf(raw.map(({ source, category = '' }) => `${source}\n${category}`)),
    files,
    fileCount: train.length,
    weights: weigh(files, trainRows),
    trainRows,
    heldOutRows,
    testRows: Int32Array.from([...rows.keys()].slice(learnable.length)),
  };
}

async function embedRows(rows: readonly RoutingRow[], embedder: BatchEmbedder) {
  const own = findOwnEmbedder(embedder.id);
  const builder = new EmbeddedRowsBuilder(own?.denseDimensions ?? Number.POSITIVE_INFINITY);
  const progress = createProgress({ label: 'Embedding', unit: 'rows', total: rows.length });
  const prompts = rows.map(({ id, prompt }) => ({ id, text: prompt }));
  for await (const embedding of embedder.embedAll(prompts)) {
    builder.add(embedding);
    progress.advance();
  }
  progress.end();
  return builder.finish();
}

function toTrainingRow({ source, prompt, assumed, ...outcome }: RoutingRow): TrainingRow {
  const { scores, preference } = outcome;
  const known = { hash: hashPrompt(prompt), source, characters: prompt.length, assumed };
  if (scores !== undefined) return { ...known, scores };
  const { modelA = '', modelB = '', winA = 0.5 } = preference ?? {};
  const shares = new Map([
    [modelA, winA],
    [modelB, 1 - winA],
  ]);
  return { ...known, scores: shares };
}

/** Whether a training holds out the rows of a prompt. */
export function isPromptHeldOut(prompt: string): boolean {
  return isHashHeldOut(hashPrompt(prompt));
}

function isHashHeldOut(hash: number): boolean {
  return hash % HELD_OUT_ONE_IN === 0;
}

function checkEnough(
  rows: readonly TrainingRow[],
  trainRows: Int32Array,
  heldOutRows: Int32Array,
): void {
  if (trainRows.length === 0 || heldOutRows.length === 0) {
    const count = trainRows.length + heldOutRows.length;
    throw new InputError(`${count} rows are too few: some must be held out.`);
  }
  if ([...trainRows].every((row) => rows[row]?.assumed)) {
    throw new InputError('All rows are "assumed": some must be graded.');
  }
  const areEqual = [...trainRows].every((row) => new Set(rows[row]?.scores.values()).size < 2);
  if (areEqual) {
    throw new InputError('All models score the same on every row: there is nothing to learn.');
  }
}

function meaningOf(embedder: string, { denseColumns }: EmbeddedRows) {
  return findOwnEmbedder(embedder)?.meaning ?? { from: 0, to: denseColumns };
}

function findTargets(rows: readonly TrainingRow[], models: readonly string[]): Target[][] {
  const indexOf = new Map(models.map((model, index) => [model, index]));
  return rows.map(({ scores }) =>
    [...scores].flatMap(([name, score]) => {
      const model = indexOf.get(name);
      return model === undefined ? [] : [{ model, score }];
    }),
  );
}

function numberOf(names: readonly string[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(names, (name) => {
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    return number;
  });
}

function weigh(files: Int32Array, trainRows: Int32Array): Float32Array {
  const counts = new Map<number, number>();
  for (const row of trainRows) counts.set(files[row] ?? 0, (counts.get(files[row] ?? 0) ?? 0) + 1);
  const raw = Float32Array.from(files, (file) => (counts.get(file) ?? 1) ** -FILE_BALANCE);
  const mean = trainRows.reduce((sum, row) => sum + (raw[row] ?? 0), 0) / trainRows.length;
  return raw.map((weight) => weight / mean);
}
