import { type Caller, DeploymentNotAllowedError, mayCall } from './caller.ts';
import { NoCapableDeploymentError, type Obstacle } from './capabilities/find-obstacle.ts';
import { HttpError, InvalidRequestError } from './errors.ts';
import {
  estimateCost,
  type Fleet,
  isCalled,
  type Member,
  type Model,
  modelsOf,
} from './registry/fleet.ts';
import type { Controls } from './routing/controls.ts';
import { createSieve, type Sieve } from './sieve.ts';
import type { Tokens } from './spending/cost.ts';
import type { Deployment } from './upstream/deployment.ts';
import {
  BudgetSpentError,
  isBelowCeiling,
  isForUseCase,
  type Policy,
  PriceCeilingError,
  UseCaseNotAllowedError,
} from './use-case-policy.ts';

/** Why a deployment was not chosen, in the order in which it is looked at. */
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
  /** The strongest candidate is too likely to do better. */
  'win-rate',
  /** A cheaper one will do. */
  'price',
  /** Another deployment of the same model had its turn. */
  'load',
  /** The conversation stays with the model that it is with. */
  'session',
] as const;
export type PassedOver = (typeof PASSED_OVER)[number];

/** A deployment as it was looked at. */
export type Considered = {
  readonly member: Member;
  /** USD that the request is estimated to cost with it; infinite when its price is not known. */
  readonly cost: number;
  /** Of the strongest candidate over it; absent for the strongest, and when nothing was scored. */
  readonly winRate?: number;
  /** Absent: it was chosen. */
  readonly passedOver?: PassedOver;
  /** What of the request it cannot serve, in words. */
  readonly obstacle?: string;
};

/** What a request needs of whoever answers it. */
export type Needs = {
  /** What of the request a deployment cannot serve, in words; undefined when it can serve all. */
  findObstacle(deployment: Deployment): Obstacle | Promise<Obstacle>;
  tokens(): Tokens;
  /** The tokens that the prompt may have with a deployment; infinite when it is not known. */
  promptLimit(deployment: Deployment): number;
};

/** The models that may answer and can, and why there is one alone, if there is. */
export type Candidates = {
  /** The strongest first. */
  readonly models: readonly Model[];
  /** All deployments that the caller may have, with why they are no candidates. */
  readonly considered: readonly Considered[];
  readonly only?: 'models' | 'requirements' | 'price-ceiling' | 'budget';
};

/** What rules deployments out. */
export type Terms = {
  readonly controls: Controls;
  /** Absent when the router is open to all. */
  readonly caller?: Caller | undefined;
  /** Absent: the use case has none. */
  readonly policy?: Policy | undefined;
  readonly needs: Needs;
};

/** Throws when no deployment may answer a request, or none can. */
export async function findCandidates(fleet: Fleet, terms: Terms): Promise<Candidates> {
  const { policy, needs } = terms;
  const tokens = needs.tokens();
  const sieve = createSieve<Member, PassedOver>(fleet.members);
  const countModels = () => new Set(sieve.left.map(({ modelKey }) => modelKey)).size;
  keepCallable(sieve);
  keepAllowed(sieve, terms);
  const allowed = countModels();
  const obstacles = await keepAble(sieve, needs);
  const able = countModels();
  if (policy !== undefined) keepBelowCeiling(sieve, policy, tokens);
  const affordable = countModels();
  if (policy?.isSpent) keepWeak(sieve, policy);
  const stages = { models: allowed, requirements: able, 'price-ceiling': affordable } as const;
  const only = (['models', 'requirements', 'price-ceiling'] as const).find(
    (stage) => stages[stage] === 1,
  );
  // What the caller may not have is none of its business.
  const shown = fleet.members.filter(({ upstream }) =>
    mayCall(terms.caller, upstream.deployment.name),
  );
  const considered = shown.map((member) => {
    const passedOver = sieve.ruledOutBy(member);
    const obstacle = obstacles.get(member.upstream.deployment.name);
    return {
      member,
      cost: estimateCost(member, tokens),
      ...(passedOver && { passedOver }),
      ...(obstacle !== undefined && { obstacle }),
    };
  });
  const reason = only ?? (policy?.isSpent ? 'budget' : undefined);
  return { models: modelsOf(sieve.left, tokens), considered, ...(reason && { only: reason }) };
}

/** Throws when a deployment that the request names may not answer it. */
export function checkNamed(member: Member, { caller, policy, needs }: Omit<Terms, 'controls'>) {
  if (caller !== undefined && !mayCall(caller, member.upstream.deployment.name)) {
    throw new DeploymentNotAllowedError(caller, 'model');
  }
  if (policy === undefined) return;
  if (!isForUseCase(member, policy)) throw new UseCaseNotAllowedError(policy, 'model');
  const tokens = needs.tokens();
  if (!isBelowCeiling(member, policy, tokens)) {
    throw new PriceCeilingError(policy, [member], tokens);
  }
  if (policy.isSpent && member.tier === 'strong') throw new BudgetSpentError(policy);
}

type MemberSieve = Sieve<Member, PassedOver>;

function keepCallable(sieve: MemberSieve): void {
  sieve.keep('paused', ({ isEnabled }) => isEnabled);
  sieve.keep('no-scorer-model', ({ scorerModel }) => scorerModel !== undefined);
  if (sieve.left.length > 0) return;
  throw new HttpError(
    'There is no deployment to choose: all are paused, or no model of the scorer stands for them. An administrator of the router can resume one.',
    { status: 503, type: 'server_error', code: 'no_deployment' },
  );
}

function keepAllowed(sieve: MemberSieve, { controls, caller, policy }: Terms): void {
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

/** Each must be a deployment's name, or its model's. */
function checkNames(names: readonly string[], members: readonly Member[]): void {
  const isKnown = (name: string) => members.some((member) => isCalled(member, name));
  if (names.length > 0 && names.every(isKnown)) return;
  const known = members.map(({ upstream }) => upstream.deployment.name).join(', ');
  throw new InvalidRequestError(`routing.models must name deployments to choose from: ${known}.`, {
    param: 'routing.models',
  });
}

/** Gives what each of the others lacks. Throws, saying that, when none can serve the request. */
async function keepAble(sieve: MemberSieve, needs: Needs): Promise<ReadonlyMap<string, string>> {
  const obstacles = new Map<string, string>();
  for (const { upstream } of sieve.left) {
    const found = needs.findObstacle(upstream.deployment);
    // With many deployments each wait counts, and most are none.
    const obstacle = found instanceof Promise ? await found : found;
    if (obstacle !== undefined) obstacles.set(upstream.deployment.name, obstacle);
  }
  sieve.keep('requirements', ({ upstream }) => !obstacles.has(upstream.deployment.name));
  if (sieve.left.length === 0) throw new NoCapableDeploymentError(obstacles);
  return obstacles;
}

function keepBelowCeiling(sieve: MemberSieve, policy: Policy, tokens: Tokens): void {
  const before = sieve.left;
  sieve.keep('price-ceiling', (member) => isBelowCeiling(member, policy, tokens));
  if (sieve.left.length === 0) throw new PriceCeilingError(policy, before, tokens);
}

function keepWeak(sieve: MemberSieve, policy: Policy): void {
  sieve.keep('budget', ({ tier }) => tier === 'weak');
  if (sieve.left.length === 0) throw new BudgetSpentError(policy);
}
