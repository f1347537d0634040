import { ForbiddenError } from '../access/caller.ts';
import { InvalidRequestError } from '../base/errors.ts';
import type { Controls } from '../policy/controls.ts';
import { isBudgetSpent } from '../spending/budget.ts';
import type { Tokens } from '../spending/cost.ts';
import type { UseCaseDefinition } from './definitions.ts';
import { estimateCost, type Fleet, isCalled, type Member } from './fleet.ts';

/** The policy of a request's use case. */
export type Policy = UseCaseDefinition & {
  readonly useCase: string;
  /** True once its budget of today is spent. */
  readonly isSpent: boolean;
};

/** Returns the policy of a use case at this time; undefined if it has none. */
export type FindPolicy = (fleet: Fleet, useCase: string | undefined) => Policy | undefined;

/** `spentToday` returns the spending of a use case in USD. */
export function createFindPolicy(spentToday: (useCase: string) => number): FindPolicy {
  return ({ useCases }, useCase) => {
    const definition = useCase === undefined ? undefined : useCases.get(useCase);
    if (useCase === undefined || definition === undefined) return undefined;
    const policy = { ...definition, useCase };
    return { ...policy, isSpent: isBudgetSpent(policy, spentToday) };
  };
}

/** Returns the policy's controls, which a request's own controls override. */
export function controlsOf(policy: Policy | undefined): Controls {
  const { threshold, strong_share: strongShare, mode } = policy ?? {};
  return {
    ...(threshold !== undefined && { threshold }),
    ...(strongShare !== undefined && { strongShare }),
    ...(mode !== undefined && { mode }),
  };
}

/** True if the deployment may answer the use case. */
export function isForUseCase(member: Member, { models }: Pick<Policy, 'models'>): boolean {
  return models?.some((name) => isCalled(member, name)) ?? true;
}

/** True if a request's estimated cost does not exceed the use case's price ceiling. */
export function isBelowCeiling(member: Member, policy: Policy, tokens: Tokens): boolean {
  return estimateCost(member, tokens) <= (policy.price_ceiling ?? Number.POSITIVE_INFINITY);
}

/** The request names deployments that may not answer its use case (403). */
export class UseCaseNotAllowedError extends ForbiddenError {
  constructor({ useCase, models }: Policy, param: string) {
    super(
      `The use case ${useCase} may only use ${models?.join(', ')}: name one of them, or let the router choose among them.`,
      { code: 'deployment_not_allowed', param },
    );
  }
}

/** Every deployment that could answer is estimated to exceed the use case's price ceiling (400). */
export class PriceCeilingError extends InvalidRequestError {
  constructor({ useCase, price_ceiling }: Policy, members: readonly Member[], tokens: Tokens) {
    const cheapest = Math.min(...members.map((member) => estimateCost(member, tokens)));
    const least = Number.isFinite(cheapest)
      ? `is estimated to cost ${cheapest.toPrecision(3)} USD or more`
      : 'can only be answered by deployments whose prices are not known';
    super(
      `The request ${least}; the use case ${useCase} may spend ${price_ceiling} USD per request. Send less, or limit max_completion_tokens.`,
      { code: 'price_ceiling', param: 'messages' },
    );
  }
}
