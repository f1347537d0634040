import { InputError } from '../command-line/input-error.ts';
import type { CommandLine } from '../command-line/run-tool.ts';
import { type ChosenPair, choosePair } from './pair-choice.ts';
import { type Strategy, trainScorer } from './train-scorer.ts';
import type { PairWish } from './training-command.ts';
import { HELD_OUT_ONE_IN, type TrainingSet } from './training-set.ts';

/** Reads the value of `--folds`, 2 to 20. */
export function readFolds(commandLine: CommandLine): number {
  const folds = commandLine.integer('folds', 5);
  if (folds >= 2 && folds <= 20) return folds;
  throw new InputError(`--folds must be from 2 to 20, got ${folds}.`);
}

/** Returns the fold of a row, by its prompt. */
export function createFoldOf({ rows }: TrainingSet, folds: number): (row: number) => number {
  // These digits of the hash did not decide which rows are held out.
  return (row) => Math.floor((rows[row]?.hash ?? 0) / HELD_OUT_ONE_IN) % folds;
}

type Validated = {
  readonly pair: ChosenPair;
  /** Win rates of the rows by scorers that have not seen their folds, by row. */
  readonly winRates: Float64Array;
};

type Options = {
  readonly folds: number;
  readonly strategy: Strategy;
  readonly seed: number;
  readonly wish: PairWish;
};

/** Trains one scorer without each fold, and predicts the rows of the fold with it. */
export function crossValidate(set: TrainingSet, options: Options): Validated {
  const { folds, strategy, seed, wish } = options;
  const foldOf = createFoldOf(set, folds);
  const winRates = new Float64Array(set.rows.length);
  let pair: ChosenPair | undefined;
  for (let fold = 0; fold < folds; fold += 1) {
    console.error(`Fold ${fold + 1} of ${folds}`);
    const trained = trainScorer(
      without(set, (row) => foldOf(row) === fold),
      { strategy, seed },
    );
    pair ??= choosePair(set, trained.strengths, wish);
    const { strong, weak } = pair.positions;
    for (const row of [...set.trainRows, ...set.heldOutRows]) {
      if (foldOf(row) === fold) winRates[row] = trained.winRateOf(row, strong, weak);
    }
  }
  return { pair: pair ?? choosePair(set, new Float64Array(set.models.length), wish), winRates };
}

function without(set: TrainingSet, isLeftOut: (row: number) => boolean): TrainingSet {
  const trainRows = set.trainRows.filter((row) => !isLeftOut(row));
  const heldOutRows = set.heldOutRows.filter((row) => !isLeftOut(row));
  if (heldOutRows.length > 0) return { ...set, trainRows, heldOutRows };
  // Of few rows, all that were held out may be in one fold.
  const isOneOfSome = (_: number, index: number) => index % HELD_OUT_ONE_IN === 0;
  return {
    ...set,
    trainRows: trainRows.filter((row, index) => !isOneOfSome(row, index)),
    heldOutRows: trainRows.filter(isOneOfSome),
  };
}
