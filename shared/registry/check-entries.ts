import { InvalidRequestError } from '../base/errors.ts';
import type { ScorerEntry } from '../matrix-factorization/scorer-registry.ts';
import type { CheckEndpoint } from '../upstream/check-endpoint.ts';
import type { Deployment } from '../upstream/deployment.ts';
import type { Credentials } from './credentials.ts';
import type { DeploymentDefinition, UseCaseDefinition } from './definitions.ts';
import type { Fleet } from './fleet.ts';
import { mostSimilar, nearestName } from './nearest-name.ts';
import { LastDeploymentError } from './registry-errors.ts';
import type { FindScoredAs } from './score-deployment.ts';
import { toDeployment } from './to-deployment.ts';
import { isForUseCase } from './use-case-policy.ts';

/** Throws an InvalidRequestError when a deployment cannot be called, or chosen, as it is defined. */
export type CheckDeployment = (name: string, definition: DeploymentDefinition) => void;

type CheckDeploymentOptions = {
  readonly checkEndpoint: CheckEndpoint;
  readonly credentials: Pick<Credentials, 'check'>;
  /** The deployments of the settings, by name. */
  readonly settings: ReadonlyMap<string, Deployment>;
  readonly scorer: ScorerEntry;
  readonly findScoredAs: FindScoredAs;
};

/** Creates the check of an entry before it is written: endpoint, credential, capabilities, scorer model. */
export function createCheckDeployment(options: CheckDeploymentOptions): CheckDeployment {
  const { checkEndpoint, credentials, settings } = options;
  return (name, definition) => {
    checkEndpoint(definition.endpoint);
    credentials.check(name, definition);
    toDeployment(name, definition, { ofSettings: settings.get(name) });
    checkScorerModel(options, name, definition);
  };
}

/** Throws unless a model of the scorer represents the deployment, or `scorer_model` is null. */
function checkScorerModel(
  { scorer, findScoredAs }: CheckDeploymentOptions,
  name: string,
  definition: DeploymentDefinition,
): void {
  const { scorer_model: named, model, deployment } = definition;
  if (named === null || findScoredAs(name, definition) !== undefined) return;
  const nearest = named === undefined ? undefined : nearestName(named, scorer.models);
  const similar = mostSimilar(named ?? model ?? deployment ?? name, scorer.models, 3).join(', ');
  const hint = nearest ? `Did you mean ${nearest}?` : `Its most similar names are ${similar}.`;
  const problem =
    named === undefined
      ? "scorer_model is missing, and the model's name tells nothing: name the scorer's model that represents the deployment, or set null for a deployment that callers may name and the router never chooses"
      : `scorer_model: the scorer ${scorer.id} does not know it`;
  throw new InvalidRequestError(`${problem}. ${hint}`, { param: 'scorer_model' });
}

type Defined = { readonly name: string; readonly definition?: DeploymentDefinition | undefined };

/** Throws a LastDeploymentError unless the router can choose at least one of the deployments. */
export function checkOneIsLeft(findScoredAs: FindScoredAs, deployments: readonly Defined[]): void {
  const isLeft = deployments.some(
    ({ name, definition }) =>
      definition !== undefined &&
      definition.enabled !== false &&
      findScoredAs(name, definition) !== undefined,
  );
  if (!isLeft) throw new LastDeploymentError();
}

/** Throws when a policy limits costs and a deployment that the use case may use has no known price. */
export function checkPrices(fleet: Fleet, definition: UseCaseDefinition | undefined): void {
  const { price_ceiling: ceiling, daily_budget: budget } = definition ?? {};
  if (definition === undefined || (ceiling === undefined && budget === undefined)) return;
  const unknown = fleet.members
    .filter((one) => one.isEnabled && one.price === undefined && isForUseCase(one, definition))
    .map(({ upstream }) => upstream.deployment.name);
  if (unknown.length === 0) return;
  const param = budget === undefined ? 'price_ceiling' : 'daily_budget';
  throw new InvalidRequestError(
    `${param} needs the prices of all deployments that the use case may use, but those of ${unknown.join(', ')} are not known. Give them a price (STRONG_PRICE and WEAK_PRICE for the deployments of the settings), or leave them out of models.`,
    { param },
  );
}
