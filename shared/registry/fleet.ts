import type { ScoredAs } from '../matrix-factorization/stand-in-choice.ts';
import { costOf, type Tokens } from '../spending/cost.ts';
import type { Price } from '../spending/price.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { UseCaseDefinition } from './definitions.ts';

/** A deployment of the fleet, with its entry in the registry. */
export type Member = {
  readonly upstream: Upstream;
  /** `strong` for deployments of the fleet's strongest model, `weak` for all others. */
  readonly tier: 'strong' | 'weak';
  /** The scorer's model that represents it; absent: the router never chooses it. */
  readonly scorerModel?: string;
  /** Why it is that one. */
  readonly scoredAs?: ScoredAs;
  /** Equal for deployments of the same model that the same scorer's model represents. */
  readonly modelKey: string;
  /** Absent if not known. */
  readonly price?: Price;
  /** USD per request if the price is not known: 0 for the weak one of the settings, else infinite. */
  readonly assumedCost: number;
  readonly isEnabled: boolean;
  /** Its share of the load among the deployments of the same model. */
  readonly weight: number;
};

/** The deployments and use cases at one time. A fleet never changes: each change makes a new one. */
export type Fleet = {
  /** Sorted by strength, the strongest first. */
  readonly members: readonly Member[];
  readonly useCases: ReadonlyMap<string, UseCaseDefinition>;
};

/** A model that may answer, with its deployments. */
export type Model = {
  readonly members: readonly Member[];
  readonly scorerModel: string;
  /** The estimated cost of the request with it, in USD. */
  readonly cost: number;
};

/** Estimates the cost of a request, in USD. */
export function estimateCost({ price, assumedCost }: Member, tokens: Tokens): number {
  return price === undefined ? assumedCost : costOf(price, tokens);
}

/** Returns a key that is equal for deployments of the same model. */
export function modelKeyOf(modelName: string, scorerModel: string | undefined): string {
  return JSON.stringify([modelName, scorerModel]);
}

/** Groups deployments by model, in their order. Those without a scorer's model are left out. */
export function modelsOf(members: readonly Member[], tokens: Tokens): readonly Model[] {
  const groups = Map.groupBy(members, ({ modelKey }) => modelKey);
  return [...groups.values()].flatMap((group) => {
    const scorerModel = group[0]?.scorerModel;
    return scorerModel === undefined
      ? []
      : [{ members: group, scorerModel, cost: meanCost(group, tokens) }];
  });
}

/** Returns the cost with each deployment, weighted by its share of the load, in USD. */
function meanCost(group: readonly Member[], tokens: Tokens): number {
  const total = group.reduce((sum, { weight }) => sum + weight, 0);
  const shareOf = ({ weight }: Member) => (total === 0 ? 1 / group.length : weight / total);
  // A deployment without load costs nothing, even at an infinite price.
  return group.reduce((sum, one) => {
    const share = shareOf(one);
    return share === 0 ? sum : sum + share * estimateCost(one, tokens);
  }, 0);
}

/** True if `name` is the deployment's name or that of its model. */
export function isCalled({ upstream: { deployment } }: Member, name: string): boolean {
  return name === deployment.name || name === deployment.modelName;
}
