import { findScorerModel } from '../matrix-factorization/scorer-model.ts';
import type { ScorerEntry } from '../matrix-factorization/scorer-registry.ts';
import {
  type ScoredAs,
  scoreByName,
  scoreByWish,
} from '../matrix-factorization/stand-in-choice.ts';
import type { Deployment } from '../upstream/deployment.ts';
import type { DeploymentDefinition } from './definitions.ts';

/** Returns the scorer's model by which a deployment is scored; undefined if there is none. */
export type FindScoredAs = (name: string, definition: DeploymentDefinition) => ScoredAs | undefined;

/**
 * Finds it by `scorer_model`, or else by the name of the model: as the settings' deployment of the same
 * model is scored, so that the two share its load, or by what the scorer knows of the name.
 */
export function createFindScoredAs(
  scorer: ScorerEntry,
  settings: readonly { readonly deployment: Deployment; readonly scoredAs: ScoredAs }[],
): FindScoredAs {
  return (name, { scorer_model: named, model, deployment }) => {
    if (named === null) return undefined;
    const modelName = model ?? deployment ?? name;
    const same = settings.find((one) => one.deployment.modelName === modelName)?.scoredAs;
    if (named === undefined) return same ?? scoreByName(scorer, modelName);
    // What `GET` returned for a deployment of the settings says nothing new.
    if (same?.model === named) return same;
    const found = findScorerModel(scorer, named);
    return found === undefined ? undefined : scoreByWish(found, 'scorer_model');
  };
}
