import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import type { TrainingSet } from './training-set.ts';

/** The best and the worst of the models that at least half as many rows know as the best known. */
export function chooseDefaultPair({ models, targets, strengths }: TrainingSet): ModelPair {
  const counts = new Int32Array(models.length);
  for (const row of targets) {
    for (const { model } of row) counts[model] = (counts[model] ?? 0) + 1;
  }
  const most = Math.max(...counts);
  const wellKnown = [...models.keys()]
    .filter((model) => 2 * (counts[model] ?? 0) >= most)
    .sort((a, b) => (strengths[b] ?? 0) - (strengths[a] ?? 0));
  return {
    strong: models[wellKnown.at(0) ?? 0] ?? '',
    weak: models[wellKnown.at(-1) ?? 0] ?? '',
  };
}
