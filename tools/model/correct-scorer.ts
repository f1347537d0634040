import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { type KnownModels, placeModels, type RowNumbers, scoreOf } from './base-models.ts';
import { chooseFreedom } from './choose-freedom.ts';
import { type Correction, Corrector, type Freedom } from './correction.ts';
import { embeddingOf } from './embedded-rows.ts';
import { type FactorFile, type ModelBasis, readFactorFile } from './factor-file.ts';
import { LOGITS_PER_SCORE } from './factor-graphs.ts';
import type { Reference } from './find-reference.ts';
import type { ScorerHeader } from './onnx-graph.ts';
import { RANK, strengthFactors } from './strength-basis.ts';
import type { TrainedScorer } from './train-scorer.ts';
import type { TrainingSet } from './training-set.ts';

/** A registered scorer to start from. */
export type Base = Reference & { readonly file: FactorFile };

/** A base scorer with a correction by own rows. */
export type CorrectedScorer = TrainedScorer & {
  /** The models of the file: the base scorer's, then the others of the rows. */
  readonly models: readonly string[];
  /** Whether its scores are those of the base scorer. */
  readonly isUnchanged: boolean;
  /** The win rate of a row as in `winRateOf`, by a correction that was fitted without its fold. */
  readonly foldWinRateOf: TrainedScorer['winRateOf'];
};

type Correcting = {
  readonly folds: number;
  readonly foldOf: (row: number) => number;
};

/** Reads a scorer's file. Throws an InputError when no correction can be added to it. */
export async function readBase({ entry, modelsFolder }: Reference): Promise<Base> {
  // The file is checked against its entry first.
  await load(entry, modelsFolder);
  const bytes = await readFile(join(modelsFolder, entry.file));
  return { entry, modelsFolder, file: readFactorFile(bytes, entry) };
}

/** Corrects a scorer as far as the rows prove that the correction makes it better. */
export function correctScorer(
  set: TrainingSet,
  base: Base,
  { folds, foldOf }: Correcting,
): CorrectedScorer {
  const numbers = readNumbers(set, base.file);
  const models = placeModels({ ...base, set, numbers });
  const corrector = new Corrector({ set, models, numbers });
  const { freedom, byFold } = chooseFreedom(corrector, set, foldOf, folds);
  const rows = Int32Array.from([...set.trainRows, ...set.heldOutRows]).sort();
  const correction = corrector.fit(rows, freedom);
  const isUnchanged = freedom === 'none' && models.names.length === base.entry.models.length;
  const scores = { set, models, numbers, corrector };
  const pairScores = (correctionOf: (row: number) => Correction) =>
    createWinRateOf(scores, correctionOf);
  const withoutOwn = (row: number) => byFold[foldOf(row)] ?? correction;
  return {
    models: models.names,
    isUnchanged,
    strengths: meanScores(scores, correction, rows),
    description: describe(base.entry, models, freedom),
    writeGraph: (header) => writeGraph(base.file, header, { models, correction, set }),
    winRateOf: pairScores(() => correction),
    foldWinRateOf: pairScores(withoutOwn),
    heldOutScores: Float32Array.from(
      [...rows].flatMap((row) => scoreAll(scores, withoutOwn(row), row)),
    ),
  };
}

function readNumbers({ embedded, rows }: TrainingSet, file: FactorFile): RowNumbers {
  const numbers = new Float64Array(rows.length * file.columns);
  for (const row of rows.keys()) {
    numbers.set(file.numbersOf(embeddingOf(embedded, row)), row * file.columns);
  }
  return numbers;
}

type Scores = {
  readonly set: TrainingSet;
  readonly models: KnownModels;
  readonly numbers: RowNumbers;
  readonly corrector: Corrector;
};

function createWinRateOf(
  { models, numbers, corrector }: Scores,
  correctionOf: (row: number) => Correction,
): TrainedScorer['winRateOf'] {
  return (row, strong, weak) => {
    const shift = corrector.shift(correctionOf(row), row);
    const score = (model: number): number =>
      shift(model) + scoreOf(models.basis, numbers, { row, model: models.positions[model] ?? 0 });
    return 1 / (1 + Math.exp(-LOGITS_PER_SCORE * (score(strong) - score(weak))));
  };
}

/** Returns the mean score of each of the set's models, by which the best of them is known. */
function meanScores(scores: Scores, correction: Correction, rows: Int32Array): Float64Array {
  const { models, numbers, corrector } = scores;
  const sums = new Float64Array(models.positions.length);
  for (const row of rows) {
    const shift = corrector.shift(correction, row);
    for (const [model, position] of models.positions.entries()) {
      const score = scoreOf(models.basis, numbers, { row, model: position }) + shift(model);
      sums[model] = (sums[model] ?? 0) + score / rows.length;
    }
  }
  return sums;
}

/** Returns the logits of all models of the file for a row. */
function scoreAll(
  { models, numbers, corrector }: Scores,
  correction: Correction,
  row: number,
): number[] {
  const shift = corrector.shiftByStrength(correction, row);
  const scores = models.names.map(
    (_, model) =>
      scoreOf(models.basis, numbers, { row, model }) + shift(models.strengths[model] ?? 0),
  );
  for (const [model, position] of models.positions.entries()) {
    scores[position] = (scores[position] ?? 0) + (correction.levels[model] ?? 0);
  }
  return scores.map((score) => LOGITS_PER_SCORE * score);
}

type Corrected = {
  readonly models: KnownModels;
  readonly correction: Correction;
  readonly set: TrainingSet;
};

function writeGraph(file: FactorFile, header: ScorerHeader, corrected: Corrected): Uint8Array {
  const { models, correction } = corrected;
  const { head, levels } = correction;
  const constants = models.basis.constants.slice();
  for (const [model, position] of models.positions.entries()) {
    constants[position] = (constants[position] ?? 0) + LOGITS_PER_SCORE * (levels[model] ?? 0);
  }
  if (head === undefined) return file.write(header, { ...models.basis, constants });
  return file.write(header, { constants, factors: widen(models, file.columns) }, head);
}

/** Adds each model's strength factors after its others, for the factors by the new head. */
function widen({ basis, strengths }: KnownModels, columns: number): ModelBasis['factors'] {
  const width = columns + RANK;
  const factors = new Float64Array(strengths.length * width);
  for (const [model, strength] of strengths.entries()) {
    factors.set(basis.factors.subarray(model * columns, (model + 1) * columns), model * width);
    const own = strengthFactors(strength).map((factor) => LOGITS_PER_SCORE * factor);
    factors.set(own, model * width + columns);
  }
  return factors;
}

function describe({ id, version }: ScorerEntry, models: KnownModels, freedom: Freedom): string {
  const name = `${id}@${version}`;
  const placed = [...models.standIns].map(([model, standIn]) => `\`${model}\` from \`${standIn}\``);
  const started = placed.length === 0 ? '' : `; new models started ${placed.join(', ')}`;
  const correction =
    freedom === 'none'
      ? 'unchanged, since the rows prove no correction of it'
      : freedom === 'levels'
        ? 'with the levels of the models corrected'
        : `with a correction by a linear head (ridge ${freedom.ridge})`;
  return `the scorer \`${name}\`, ${correction}${started}`;
}
