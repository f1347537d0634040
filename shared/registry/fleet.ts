import { costOf, type Tokens } from '../spending/cost.ts';
import type { Price } from '../spending/price.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { UseCaseDefinition } from './definitions.ts';

/** A deployment that takes part, with what the registry knows of it. */
export type Member = {
  readonly upstream: Upstream;
  /** `strong`: of the model that none of the fleet is stronger than; all others are `weak`. */
  readonly tier: 'strong' | 'weak';
  /** The scorer's model that stands for it; absent: the router never chooses it. */
  readonly scorerModel?: string;
  /** Equal for the deployments of one model, for which one model of the scorer stands. */
  readonly modelKey: string;
  /** Absent: not known. */
  readonly price?: Price;
  /** USD that a request counts as while the price is not known: 0 for the cheapest, else infinite. */
  readonly assumedCost: number;
  readonly isEnabled: boolean;
  /** Its share of the load among the deployments of the same model. */
  readonly weight: number;
};

/** All that can be called and by what rules, at one moment. Never changes: a change makes another. */
export type Fleet = {
  /** The strongest first. */
  readonly members: readonly Member[];
  readonly useCases: ReadonlyMap<string, UseCaseDefinition>;
};

/** A model that may answer, by one or several deployments. */
export type Model = {
  readonly members: readonly Member[];
  readonly scorerModel: string;
  /** USD that the request is estimated to cost with it. */
  readonly cost: number;
};

/** USD that a request of so many tokens costs with it. */
export function estimateCost({ price, assumedCost }: Member, tokens: Tokens): number {
  return price === undefined ? assumedCost : costOf(price, tokens);
}

/** What two deployments have in common that are of one model. */
export function modelKeyOf(modelName: string, scorerModel: string | undefined): string {
  return JSON.stringify([modelName, scorerModel]);
}

/** The deployments' models, in the order of the deployments. Those without a scorer's model have none. */
export function modelsOf(members: readonly Member[], tokens: Tokens): readonly Model[] {
  const groups = Map.groupBy(members, ({ modelKey }) => modelKey);
  return [...groups.values()].flatMap((group) => {
    const scorerModel = group[0]?.scorerModel;
    return scorerModel === undefined
      ? []
      : [{ members: group, scorerModel, cost: meanCost(group, tokens) }];
  });
}

/** As the load is shared. */
function meanCost(group: readonly Member[], tokens: Tokens): number {
  const total = group.reduce((sum, { weight }) => sum + weight, 0);
  const shareOf = ({ weight }: Member) => (total === 0 ? 1 / group.length : weight / total);
  // One that takes no load costs nothing, whatever its price: an infinite one, too.
  return group.reduce((sum, one) => {
    const share = shareOf(one);
    return share === 0 ? sum : sum + share * estimateCost(one, tokens);
  }, 0);
}

/** True when the deployment, or its model, is called so. */
export function isCalled({ upstream: { deployment } }: Member, name: string): boolean {
  return name === deployment.name || name === deployment.modelName;
}
