import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import { findScorerModel } from '../../shared/matrix-factorization/scorer-model.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';

/**
 * Returns the scorer's models that are nearest to a pair: those of the same names, and its default
 * pair for names that it does not know.
 */
export function nearestPair(entry: ScorerEntry, pair: ModelPair): ModelPair {
  const { strong, weak } = entry.defaultPair;
  const found = {
    strong: findScorerModel(entry, pair.strong),
    weak: findScorerModel(entry, pair.weak),
  };
  const nearest = { strong: found.strong ?? strong, weak: found.weak ?? weak };
  // A known model may be the one that the default pair has for the other side.
  return nearest.strong === nearest.weak ? entry.defaultPair : nearest;
}
