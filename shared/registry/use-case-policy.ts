import { ForbiddenError } from '../access/caller.ts';
import { HttpError, InvalidRequestError } from '../base/errors.ts';
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

/**
 * `spentToday` returns the spending of a use case in USD; `isKnown` tells whether a policy, or that there is
 * none, and what it depends on has been read. The function that is returned throws a PolicyUnreadError.
 */
export function createFindPolicy(
  spentToday: (useCase: string) => number,
  isKnown: (definition: UseCaseDefinition | undefined) => boolean = () => true,
): FindPolicy {
  return ({ useCases }, useCase) => {
    if (useCase === undefined) return undefined;
    const definition = useCases.get(useCase);
    if (!isKnown(definition)) throw new PolicyUnreadError();
    if (definition === undefined) return undefined;
    const policy = { ...definition, useCase };
    return { ...policy, isSpent: isBudgetSpent(policy, spentToday) };
  };
}

/** The tables have not been read since the start, so that nobody knows what the use case may do (503). */
class PolicyUnreadError extends HttpError {
  constructor() {
    super(
      'The policies of use cases have not been read since this instance of the router started, since the tables do not answer. Send the request again in some seconds.',
      {
        status: 503,
        type: 'server_error',
        code: 'registry_unread',
        param: 'X-USE_CASE',
        headers: { 'retry-after': '5' },
      },
    );
  }
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
