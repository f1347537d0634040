import { type Caller, DeploymentNotAllowedError, mayCall } from '../access/caller.ts';
import { HttpError, InvalidRequestError } from '../base/errors.ts';
import { NoCapableDeploymentError } from '../capabilities/find-obstacle.ts';
import type { Controls } from '../policy/controls.ts';
import {
  estimateCost,
  type Fleet,
  isCalled,
  type Member,
  type Model,
  modelsOf,
} from '../registry/fleet.ts';
import {
  isBelowCeiling,
  isForUseCase,
  type Policy,
  PriceCeilingError,
  UseCaseNotAllowedError,
} from '../registry/use-case-policy.ts';
import { BudgetSpentError } from '../spending/budget.ts';
import type { Tokens } from '../spending/cost.ts';
import type { Ask } from './ask.ts';

/** The reasons why a deployment was not chosen, in the order in which they are checked. */
export const PASSED_OVER = [
  /** It is paused. */
  'paused',
  /** No model of the scorer stands for it. */
  'no-scorer-model',
  /** The request names others. */
  'models',
  /** The use case may not have it. */
  'use-case',
  /** The caller may not have it. */
  'caller',
  /** It cannot serve the request. */
  'requirements',
  /** The request would cost more with it than the use case may spend on one. */
  'price-ceiling',
  /** The budget of the use case is spent. */
  'budget',
  /** No win rate was asked, and the other tier chosen. */
  'tier',
  /** The strongest candidate's win rate over it reaches the threshold. */
  'win-rate',
  /** A cheaper one will do. */
  'price',
  /** Another deployment of the same model had its turn. */
  'load',
  /** The conversation stays with its model. */
  'session',
] as const;
export type PassedOver = (typeof PASSED_OVER)[number];

/** A deployment that was considered. */
export type Considered = {
  readonly member: Member;
  /** The estimated cost of the request with it, in USD; infinite when its price is not known. */
  readonly cost: number;
  /** The win rate of the strongest candidate over it; absent for the strongest, and when nothing was scored. */
  readonly winRate?: number | undefined;
  /** Undefined for the deployment that was chosen. */
  readonly passedOver: PassedOver | undefined;
  /** Names the part of the request that it cannot serve. */
  readonly obstacle: string | undefined;
};

/** The models that may answer and can; `only` says why only one is left, if that is so. */
export type Candidates = {
  /** The strongest first. */
  readonly models: readonly Model[];
  /** All deployments that the caller may use, each with the reason why it is not a candidate. */
  readonly considered: readonly Considered[];
  readonly only?: 'models' | 'requirements' | 'price-ceiling' | 'budget';
};

/** The terms that rule deployments out. */
export type Terms = {
  readonly controls: Controls;
  /** Absent when the router is open to all. */
  readonly caller?: Caller | undefined;
  /** Absent when the use case has no policy. */
  readonly policy?: Policy | undefined;
  readonly ask: Ask;
};

/** Throws when no deployment may answer a request, or none can. */
export async function findCandidates(fleet: Fleet, terms: Terms): Promise<Candidates> {
  const { policy, ask } = terms;
  const tokens = ask.tokens();
  const sieve = createSieve(fleet.members);
  let only: Candidates['only'];
  // The first reason that leaves one model counts.
  const note = (why: Candidates['only']) => {
    only ??= areOfOneModel(sieve.left) ? why : undefined;
  };
  keepCallable(sieve);
  keepAllowed(sieve, terms);
  note('models');
  const obstacles = new Map<string, string>();
  for (const { upstream } of sieve.left) {
    const found = ask.findObstacle(upstream.deployment);
    // With many deployments each wait counts, and most answers are there without one.
    const obstacle = found instanceof Promise ? await found : found;
    if (obstacle !== undefined) obstacles.set(upstream.deployment.name, obstacle);
  }
  keepAble(sieve, obstacles);
  note('requirements');
  if (policy !== undefined) keepBelowCeiling(sieve, policy, tokens);
  note('price-ceiling');
  if (policy?.isSpent) {
    keepWeak(sieve, policy);
    only ??= 'budget';
  }
  // Deployments that the caller may not use are not shown to it.
  const shown = fleet.members.filter(({ upstream }) =>
    mayCall(terms.caller, upstream.deployment.name),
  );
  const considered = shown.map((member) => ({
    member,
    cost: estimateCost(member, tokens),
    passedOver: sieve.ruledOutBy(member),
    obstacle: obstacles.get(member.upstream.deployment.name),
  }));
  return { models: modelsOf(sieve.left, tokens), considered, ...(only && { only }) };
}

function areOfOneModel(members: readonly Member[]): boolean {
  return members.every(({ modelKey }) => modelKey === members[0]?.modelKey);
}

/** Throws when a deployment that the request names may not answer it. */
export function checkNamed(member: Member, { caller, policy, ask }: Omit<Terms, 'controls'>) {
  if (caller !== undefined && !mayCall(caller, member.upstream.deployment.name)) {
    throw new DeploymentNotAllowedError(caller, 'model');
  }
  if (policy === undefined) return;
  if (!isForUseCase(member, policy)) throw new UseCaseNotAllowedError(policy, 'model');
  const tokens = ask.tokens();
  if (!isBelowCeiling(member, policy, tokens)) {
    throw new PriceCeilingError(policy, [member], tokens);
  }
  if (policy.isSpent && member.tier === 'strong') throw new BudgetSpentError(policy);
}

function keepCallable(sieve: Sieve): void {
  sieve.keep('paused', ({ isEnabled }) => isEnabled);
  sieve.keep('no-scorer-model', ({ scorerModel }) => scorerModel !== undefined);
  if (sieve.left.length > 0) return;
  throw new HttpError(
    'There is no deployment to choose: all are paused, or no model of the scorer stands for them. An administrator of the router can resume one.',
    { status: 503, type: 'server_error', code: 'no_deployment' },
  );
}

function keepAllowed(sieve: Sieve, { controls, caller, policy }: Terms): void {
  const { models } = controls;
  const param = models ? 'routing.models' : 'model';
  if (models !== undefined) {
    checkNames(models, sieve.left);
    sieve.keep('models', (member) => models.some((name) => isCalled(member, name)));
  }
  if (policy !== undefined) {
    sieve.keep('use-case', (member) => isForUseCase(member, policy));
    if (sieve.left.length === 0) throw new UseCaseNotAllowedError(policy, param);
  }
  if (caller !== undefined) {
    sieve.keep('caller', ({ upstream }) => mayCall(caller, upstream.deployment.name));
    if (sieve.left.length === 0) throw new DeploymentNotAllowedError(caller, param);
  }
}

/** Throws where a name is neither a deployment's nor its model's. */
function checkNames(names: readonly string[], members: readonly Member[]): void {
  const isKnown = (name: string) => members.some((member) => isCalled(member, name));
  if (names.length > 0 && names.every(isKnown)) return;
  const known = members.map(({ upstream }) => upstream.deployment.name).join(', ');
  throw new InvalidRequestError(`routing.models must name deployments to choose from: ${known}.`, {
    param: 'routing.models',
  });
}

/** Throws an error that says what each deployment lacks when none can serve the request. */
function keepAble(sieve: Sieve, obstacles: ReadonlyMap<string, string>): void {
  sieve.keep('requirements', ({ upstream }) => !obstacles.has(upstream.deployment.name));
  if (sieve.left.length === 0) throw new NoCapableDeploymentError(obstacles);
}

function keepBelowCeiling(sieve: Sieve, policy: Policy, tokens: Tokens): void {
  const before = sieve.left;
  sieve.keep('price-ceiling', (member) => isBelowCeiling(member, policy, tokens));
  if (sieve.left.length === 0) throw new PriceCeilingError(policy, before, tokens);
}

function keepWeak(sieve: Sieve, policy: Policy): void {
  sieve.keep('budget', ({ tier }) => tier === 'weak');
  if (sieve.left.length === 0) throw new BudgetSpentError(policy);
}

/** Rules deployments out one after another, each for the first reason that applies. */
type Sieve = {
  /** The deployments that are not ruled out yet, in their order. */
  readonly left: readonly Member[];
  keep(why: PassedOver, test: (one: Member) => boolean): void;
  /** The reason why a deployment was ruled out; undefined while it is left. */
  ruledOutBy(one: Member): PassedOver | undefined;
};

function createSieve(all: readonly Member[]): Sieve {
  const reasons = new Map<Member, PassedOver>();
  let left = all;
  return {
    get left() {
      return left;
    },
    keep: (why, test) => {
      left = left.filter((one) => {
        const isKept = test(one);
        if (!isKept) reasons.set(one, why);
        return isKept;
      });
    },
    ruledOutBy: (one) => reasons.get(one),
  };
}
