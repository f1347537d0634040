import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Calibration } from '../../shared/matrix-factorization/scorer-registry.ts';
import { percentiles } from '../../shared/policy/quantiles.ts';
import { calibrateOutcomes } from './calibrate-outcomes.ts';
import { type Base, correctScorer } from './correct-scorer.ts';
import { createFoldOf, crossValidate } from './cross-validation.ts';
import { type ChosenPair, choosePair } from './pair-choice.ts';
import { loadPromptHashes, toHashList } from './prompt-hashes.ts';
import { fileShares, type TrainedScorer, trainScorer } from './train-scorer.ts';
import type { TrainingCommand } from './training-command.ts';
import type { TrainingSet } from './training-set.ts';

/** A finished scorer with what its registration says of it. */
export type MadeScorer = {
  readonly trained: TrainedScorer;
  readonly models: readonly string[];
  readonly dimensions: number;
  readonly pair: ChosenPair;
  /** The set with those rows as held out whose win rates `unseenWinRateOf` has. */
  readonly validated: TrainingSet;
  /** The pair's win rate of a held-out row, by a scorer that has not seen it. */
  readonly unseenWinRateOf: (row: number) => number;
  /** The same of any row to learn from; undefined where there are too few rows. */
  readonly crossValidated: ((row: number) => number) | undefined;
  readonly calibrations: readonly Calibration[];
  readonly heldOutScores?: Float32Array;
  readonly promptHashes: Uint32Array;
  /** What it was trained on, for the registry. */
  readonly trainedOn: string;
};

type Options = {
  readonly folds: number;
  /** The names of the data files. */
  readonly files: string;
};

/** Fewer rows cannot be divided into folds. */
const MIN_FOLDED_ROWS = 30;

/** Trains a scorer on the rows alone. */
export function learnScorer(
  { set, strategy, seed, wish }: TrainingCommand,
  { folds, files }: Options,
): MadeScorer {
  const trained = trainScorer(set, { strategy, seed });
  const pair = choosePair(set, trained.strengths, wish);
  const unseenWinRateOf = winRatesOf(trained.winRateOf, pair);
  const isEnough = set.trainRows.length + set.heldOutRows.length >= MIN_FOLDED_ROWS;
  const folded = isEnough ? crossValidate(set, { folds, strategy, seed, wish: pair }) : undefined;
  return {
    trained,
    models: set.models,
    dimensions: set.embedded.denseColumns + set.embedded.sparseColumns,
    pair,
    validated: set,
    unseenWinRateOf,
    crossValidated: folded && ((row) => folded.winRates[row] ?? Number.NaN),
    calibrations: [calibrate(set, pair, unseenWinRateOf)],
    heldOutScores: trained.heldOutScores,
    promptHashes: toHashList(hashesOf(set)),
    trainedOn: describeRows(set, files),
  };
}

/** Starts from a registered scorer, and corrects it by the rows. */
export async function startFrom(
  base: Base,
  { set, wish }: TrainingCommand,
  { folds, files }: Options,
): Promise<MadeScorer> {
  const { entry, modelsFolder } = base;
  const trained = correctScorer(set, base, { folds, foldOf: createFoldOf(set, folds) });
  const pair =
    set.models.length < 2
      ? { ...entry.defaultPair, positions: { strong: 0, weak: 0 } }
      : choosePair(set, trained.strengths, wish);
  const rows = Int32Array.from([...set.trainRows, ...set.heldOutRows]).sort();
  const validated = { ...set, trainRows: new Int32Array(), heldOutRows: rows };
  const unseenWinRateOf = winRatesOf(trained.foldWinRateOf, pair);
  const earlier = (await loadPromptHashes(entry, modelsFolder)) ?? [];
  const kept = trained.isUnchanged ? await readHeldOutScores(base) : trained.heldOutScores;
  return {
    trained,
    models: trained.models,
    dimensions: entry.dimensions,
    pair,
    validated,
    unseenWinRateOf,
    crossValidated: unseenWinRateOf,
    calibrations: trained.isUnchanged
      ? entry.calibrations
      : [calibrate(validated, pair, unseenWinRateOf)],
    ...(kept && { heldOutScores: kept }),
    promptHashes: toHashList([...hashesOf(set), ...earlier]),
    trainedOn: `${describeRows(set, files)}; started from ${entry.id}@${entry.version} (${entry.trainedOn})`,
  };
}

function winRatesOf(winRateOf: TrainedScorer['winRateOf'], { positions }: ChosenPair) {
  return (row: number) => winRateOf(row, positions.strong, positions.weak);
}

function* hashesOf({ rows, trainRows, heldOutRows }: TrainingSet): Generator<number> {
  for (const row of [...trainRows, ...heldOutRows]) yield rows[row]?.hash ?? 0;
}

function describeRows({ trainRows, heldOutRows }: TrainingSet, files: string): string {
  return `${trainRows.length + heldOutRows.length} rows: ${files}`;
}

/** A scorer that was not changed gives the base scorer's scores of its held-out prompts. */
async function readHeldOutScores({
  entry: { heldOutScores },
  modelsFolder,
}: Base): Promise<Float32Array | undefined> {
  if (heldOutScores === undefined) return undefined;
  const bytes = await readFile(join(modelsFolder, heldOutScores.file));
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Calibrates with equal weight for each data file, since traffic does not resemble the largest benchmark. */
function calibrate(
  set: TrainingSet,
  pair: ChosenPair,
  winRateOf: (row: number) => number,
): Calibration {
  const rows = [...set.heldOutRows];
  const outcomes = calibrateOutcomes(set, pair, winRateOf);
  return {
    id: 'validation',
    version: 1,
    data: 'Held-out rows of the training data, each file counted alike.',
    rows: rows.length,
    strong: pair.strong,
    weak: pair.weak,
    quantiles: percentiles(rows.map(winRateOf), fileShares(set, rows)),
    ...(outcomes && { outcomes }),
  };
}
