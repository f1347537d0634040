import { InvalidRequestError } from '../base/errors.ts';
import type { ScorerEntry } from '../matrix-factorization/registry.ts';
import { findScorerModel } from '../matrix-factorization/scorer-choice.ts';
import type { DeploymentDefinition, UseCaseDefinition } from './definitions.ts';
import type { Fleet } from './fleet.ts';
import { nearestName } from './nearest-name.ts';
import { isForUseCase } from './use-case-policy.ts';

/** The scorer's model that stands for a deployment; undefined when none does. */
export function scorerModelOf(
  entry: ScorerEntry,
  name: string,
  { scorer_model: named, model, deployment }: DeploymentDefinition,
): string | undefined {
  return named === null ? undefined : findScorerModel(entry, named ?? model ?? deployment ?? name);
}

/** Throws unless a model of the scorer stands for the deployment, or is said not to. */
export function checkScorerModel(
  entry: ScorerEntry,
  name: string,
  definition: DeploymentDefinition,
): void {
  const { scorer_model: named } = definition;
  if (named === null || scorerModelOf(entry, name, definition) !== undefined) return;
  const what =
    named === undefined
      ? "scorer_model is missing: name the scorer's model that stands for the deployment, or null for one that callers name and the router never chooses"
      : `scorer_model: the scorer ${entry.id} does not know it`;
  const nearest = named === undefined ? undefined : nearestName(named, entry.models);
  const hint = nearest ? `Did you mean ${nearest}?` : `It knows ${entry.models.join(', ')}.`;
  throw new InvalidRequestError(`${what}. ${hint}`, { param: 'scorer_model' });
}

/** Throws when a policy counts money that some deployment would spend uncounted. */
export function checkPrices(fleet: Fleet, definition: UseCaseDefinition | undefined): void {
  const { price_ceiling: ceiling, daily_budget: budget } = definition ?? {};
  if (definition === undefined || (ceiling === undefined && budget === undefined)) return;
  const unknown = fleet.members
    .filter((one) => one.isEnabled && one.price === undefined && isForUseCase(one, definition))
    .map(({ upstream }) => upstream.deployment.name);
  if (unknown.length === 0) return;
  const param = budget === undefined ? 'price_ceiling' : 'daily_budget';
  throw new InvalidRequestError(
    `${param} needs the prices of the deployments that the use case may have; those of ${unknown.join(', ')} are not known. Give them a price (STRONG_PRICE and WEAK_PRICE for those of the settings), or leave them out of models.`,
    { param },
  );
}
