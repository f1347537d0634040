import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import { InputError } from '../command-line/input-error.ts';
import type { PairWish } from './training-command.ts';
import type { TrainingSet } from './training-set.ts';

/** Two models, and their positions among the set's models. */
export type ChosenPair = ModelPair & {
  readonly positions: { readonly strong: number; readonly weak: number };
};

/** Chooses the named models, or else the best and the worst of the models that most rows know. */
export function choosePair(set: TrainingSet, strengths: Float64Array, wish: PairWish): ChosenPair {
  const known = wellKnownModels(set, strengths);
  const strong = wish.strong ?? known.find((model) => model !== wish.weak) ?? '';
  const weak = wish.weak ?? known.findLast((model) => model !== strong) ?? '';
  if (strong === '' || weak === '') {
    throw new InputError('The data has only one model, which has no win rate over itself.');
  }
  const positionOf = (model: string): number => set.models.indexOf(model);
  return { strong, weak, positions: { strong: positionOf(strong), weak: positionOf(weak) } };
}

/** Returns the models that at least half as many rows know as the best known one, strongest first. */
function wellKnownModels(
  { models, targets, trainRows, rows }: TrainingSet,
  strengths: Float64Array,
) {
  const counts = new Int32Array(models.length);
  for (const row of trainRows) {
    if (rows[row]?.assumed) continue;
    for (const { model } of targets[row] ?? []) counts[model] = (counts[model] ?? 0) + 1;
  }
  const most = Math.max(...counts);
  return [...models.keys()]
    .filter((model) => 2 * (counts[model] ?? 0) >= most)
    .sort((a, b) => (strengths[b] ?? 0) - (strengths[a] ?? 0))
    .map((model) => models[model] ?? '');
}
