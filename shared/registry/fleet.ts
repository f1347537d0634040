import type { Upstream } from '../upstream/upstream.ts';
import type { Price, UseCaseDefinition } from './definitions.ts';

/** A deployment that takes part, with what the registry knows of it. */
export type Member = {
  readonly upstream: Upstream;
  /** `strong`: none of the fleet is stronger; all others are `weak`. */
  readonly tier: 'strong' | 'weak';
  /** The scorer's model that stands for it; absent: the router never chooses it. */
  readonly scorerModel?: string;
  /** Absent: not known. */
  readonly price?: Price;
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
