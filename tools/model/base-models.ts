import { findScorerModel } from '../../shared/matrix-factorization/scorer-model.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import type { FactorFile, ModelBasis } from './factor-file.ts';
import { LOGITS_PER_SCORE } from './factor-graphs.ts';
import type { Target } from './row-moments.ts';
import { RANK, strengthFactors } from './strength-basis.ts';
import type { TrainingSet } from './training-set.ts';

/** The models of a base scorer and of own rows, as the base scorer sees them. */
export type KnownModels = {
  /** The base scorer's models, then those that only the rows know. */
  readonly names: readonly string[];
  readonly basis: ModelBasis;
  /** Strengths, [models]. */
  readonly strengths: Float64Array;
  /** The position of each of the set's models. */
  readonly positions: Int32Array;
  /** The base scorer's model that each other model was started from. */
  readonly standIns: ReadonlyMap<string, string>;
};

/** A prompt's numbers for each row, [rows, columns]. */
export type RowNumbers = Float64Array;

/** Variance of a single grade about its prediction, roughly that of graded benchmarks. */
const GRADE_VARIANCE = 0.2;
/** How far, in strength, a model may be from its stand-in: one standard deviation. */
const STAND_IN_DEVIATION = 0.3;
const STRENGTH_STEPS = Array.from({ length: 41 }, (_, step) => (step - 20) / 20);
/** Models that only meet models as unknown as they are need some rounds to find their places. */
const ROUNDS = 3;
/** More rows do not move a strength. */
const MAX_ROWS = 2000;

type Placing = {
  readonly entry: ScorerEntry;
  readonly file: FactorFile;
  readonly set: TrainingSet;
  readonly numbers: RowNumbers;
};

/**
 * Finds a place for each model that the base scorer does not know. It starts as the stand-in that
 * its name has, or else as the model that predicts its rows best; then its strength is fitted to
 * the rows, shrunk towards that model.
 */
export function placeModels({ entry, file, set, numbers }: Placing): KnownModels {
  const others = set.models.filter((model) => !entry.models.includes(model));
  const names = [...entry.models, ...others];
  const positions = Int32Array.from(set.models, (model) => names.indexOf(model));
  const { columns } = file;
  const basis = {
    factors: new Float64Array(names.length * columns),
    constants: new Float64Array(names.length),
  };
  basis.factors.set(file.basis.factors);
  basis.constants.set(file.basis.constants);
  const strengths = Float64Array.from(
    names,
    (_, model) => (basis.factors[model * columns] ?? 0) / LOGITS_PER_SCORE,
  );
  const placer = new Placer({ basis, strengths, columns, numbers, set, positions });
  const standIns = new Map<string, string>();
  const middle = placer.middleOf(entry.models.length);
  const named = others.map((name) => entry.models.indexOf(findScorerModel(entry, name) ?? ''));
  for (const [index, start] of named.entries()) {
    placer.put(entry.models.length + index, start === -1 ? middle : start, 0);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, name] of others.entries()) {
      const model = entry.models.length + index;
      const start = named[index] ?? -1;
      const chosen = start === -1 ? placer.nearest(model, entry.models.length) : start;
      placer.fitStrength(model, chosen);
      standIns.set(name, entry.models[chosen] ?? '');
    }
  }
  return { names, basis, strengths, positions, standIns };
}

/** Returns the score of a model for the prompt of a row, on the scale of grades. */
export function scoreOf(
  { factors, constants }: ModelBasis,
  numbers: RowNumbers,
  { row, model }: { readonly row: number; readonly model: number },
): number {
  const columns = factors.length / constants.length;
  let logit = constants[model] ?? 0;
  for (let column = 0; column < columns; column += 1) {
    logit += (factors[model * columns + column] ?? 0) * (numbers[row * columns + column] ?? 0);
  }
  return logit / LOGITS_PER_SCORE;
}

type PlacerParts = Pick<KnownModels, 'basis' | 'strengths' | 'positions'> & {
  readonly columns: number;
  readonly numbers: RowNumbers;
  readonly set: TrainingSet;
};

class Placer {
  readonly #parts: PlacerParts;

  constructor(parts: PlacerParts) {
    this.#parts = parts;
  }

  /** Returns the base scorer's model of middling strength. */
  middleOf(count: number): number {
    const { strengths } = this.#parts;
    const distance = (model: number) => Math.abs(strengths[model] ?? 0);
    return [...Array(count).keys()].sort((a, b) => distance(a) - distance(b))[0] ?? 0;
  }

  /** Makes a model a copy of another one with its strength moved. */
  put(model: number, from: number, moved: number): void {
    const { basis, strengths, columns } = this.#parts;
    const before = strengths[from] ?? 0;
    basis.factors.copyWithin(model * columns, from * columns, (from + 1) * columns);
    basis.constants[model] = basis.constants[from] ?? 0;
    strengths[model] = before + moved;
    const [old, now] = [strengthFactors(before), strengthFactors(before + moved)];
    for (let factor = 0; factor < RANK; factor += 1) {
      const at = model * columns + factor;
      const step = LOGITS_PER_SCORE * ((now[factor] ?? 0) - (old[factor] ?? 0));
      basis.factors[at] = (basis.factors[at] ?? 0) + step;
    }
  }

  nearest(model: number, count: number): number {
    const { strengths } = this.#parts;
    return this.#least(model, [...Array(count).keys()], (from) => {
      this.put(model, from, 0);
      return GRADE_VARIANCE * (strengths[from] ?? 0) ** 2;
    });
  }

  fitStrength(model: number, from: number): void {
    const moved = this.#least(model, STRENGTH_STEPS, (step) => {
      this.put(model, from, step);
      return GRADE_VARIANCE * (step / STAND_IN_DEVIATION) ** 2;
    });
    this.put(model, from, moved);
  }

  /** Returns the choice with the least sum of squared errors and penalty. */
  #least(model: number, choices: readonly number[], choose: (choice: number) => number): number {
    const rows = this.#rowsOf(model);
    let best = { loss: Number.POSITIVE_INFINITY, choice: choices[0] ?? 0 };
    for (const choice of choices) {
      const penalty = choose(choice);
      const loss = rows.reduce((sum, row) => sum + this.#error(row, model) ** 2, penalty);
      if (loss < best.loss) best = { loss, choice };
    }
    return best.choice;
  }

  #rowsOf(model: number): number[] {
    const { set, positions } = this.#parts;
    const own = [...set.targets.keys()].filter((row) => {
      const targets = set.targets[row] ?? [];
      return targets.length > 1 && targets.some((target) => positions[target.model] === model);
    });
    const step = Math.max(1, own.length / MAX_ROWS);
    return Array.from({ length: Math.min(own.length, MAX_ROWS) }, (_, index) => {
      return own[Math.floor(index * step)] ?? 0;
    });
  }

  /** Returns the error of the model's score against the mean of the others' in this row. */
  #error(row: number, model: number): number {
    const { set, positions, basis, numbers } = this.#parts;
    const targets: readonly Target[] = set.targets[row] ?? [];
    let [own, others] = [0, 0];
    for (const target of targets) {
      const position = positions[target.model] ?? 0;
      const error = target.score - scoreOf(basis, numbers, { row, model: position });
      if (position === model) own = error;
      else others += error;
    }
    return own - others / (targets.length - 1);
  }
}
