import { ForbiddenError } from '../access/caller.ts';
import { InvalidRequestError } from '../base/errors.ts';
import type { Controls } from '../policy/controls.ts';
import { isBudgetSpent } from '../spending/budget.ts';
import type { Tokens } from '../spending/cost.ts';
import type { UseCaseDefinition } from './definitions.ts';
import { estimateCost, type Fleet, isCalled, type Member } from './fleet.ts';

/** The policy of the use case that a request is for. */
export type Policy = UseCaseDefinition & {
  readonly useCase: string;
  /** Its budget of today is spent. */
  readonly isSpent: boolean;
};

/** The policy of a use case, at this moment; undefined when there is none. */
export type FindPolicy = (fleet: Fleet, useCase: string | undefined) => Policy | undefined;

/** `spentToday` gives what a use case has spent, in USD. */
export function createFindPolicy(spentToday: (useCase: string) => number): FindPolicy {
  return ({ useCases }, useCase) => {
    const definition = useCase === undefined ? undefined : useCases.get(useCase);
    if (useCase === undefined || definition === undefined) return undefined;
    const policy = { ...definition, useCase };
    return { ...policy, isSpent: isBudgetSpent(policy, spentToday) };
  };
}

/** What it says on how win rates are compared; a request's own word comes first. */
export function controlsOf(policy: Policy | undefined): Controls {
  const { threshold, strong_share: strongShare, mode } = policy ?? {};
  return {
    ...(threshold !== undefined && { threshold }),
    ...(strongShare !== undefined && { strongShare }),
    ...(mode !== undefined && { mode }),
  };
}

/** True when the use case may have the deployment's answers. */
export function isForUseCase(member: Member, { models }: Pick<Policy, 'models'>): boolean {
  return models?.some((name) => isCalled(member, name)) ?? true;
}

/** True when a request is estimated to cost no more than the use case may spend on one. */
export function isBelowCeiling(member: Member, policy: Policy, tokens: Tokens): boolean {
  return estimateCost(member, tokens) <= (policy.price_ceiling ?? Number.POSITIVE_INFINITY);
}

/** The request asks for deployments that its use case may not have (403). */
export class UseCaseNotAllowedError extends ForbiddenError {
  constructor({ useCase, models }: Policy, param: string) {
    super(
      `The use case ${useCase} may have answers of ${models?.join(', ')} only: name one of them, or let the router choose among them.`,
      { code: 'deployment_not_allowed', param },
    );
  }
}

/** Whatever could answer is estimated to cost more than the use case may spend on a request (400). */
export class PriceCeilingError extends InvalidRequestError {
  constructor({ useCase, price_ceiling }: Policy, members: readonly Member[], tokens: Tokens) {
    const cheapest = Math.min(...members.map((member) => estimateCost(member, tokens)));
    const least = Number.isFinite(cheapest)
      ? `is estimated to cost ${cheapest.toPrecision(3)} USD or more`
      : 'could be answered by deployments only whose prices are not known';
    super(
      `The request ${least}; the use case ${useCase} may spend ${price_ceiling} USD on one. Send less, or limit max_completion_tokens.`,
      { code: 'price_ceiling', param: 'messages' },
    );
  }
}
