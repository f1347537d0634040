import { type Caller, DeploymentNotAllowedError, mayCall } from './caller.ts';
import { noDeploymentCanServe } from './capabilities/find-obstacle.ts';
import { InvalidRequestError } from './errors.ts';
import type { Controls } from './routing/controls.ts';
import type { Deployment } from './upstream/deployment.ts';
import type { Upstream } from './upstream/upstream.ts';

/** A deployment that may answer, and as what. */
export type Candidate = {
  readonly tier: 'strong' | 'weak' | 'direct';
  readonly upstream: Upstream;
};

/** What of a request a deployment cannot serve, in words; undefined when it can serve all. */
export type FindObstacle = (deployment: Deployment) => Promise<string | undefined>;

/** The deployments that may answer and can, and why there is one alone, if there is. */
export type Candidates = {
  readonly candidates: readonly Candidate[];
  readonly only?: 'models' | 'requirements';
};

type Terms = {
  readonly controls: Controls;
  /** Absent when the router is open to all. */
  readonly caller?: Caller | undefined;
  readonly findObstacle: FindObstacle;
};

/** Throws when no deployment may answer a request, or none can. */
export async function findCandidates(
  all: readonly Candidate[],
  { controls, caller, findObstacle }: Terms,
): Promise<Candidates> {
  const named = namedIn(controls.models, all);
  const allowed = named.filter(({ upstream }) => mayCall(caller, upstream.deployment.name));
  if (caller !== undefined && allowed.length === 0) {
    throw new DeploymentNotAllowedError(caller, controls.models ? 'routing.models' : 'model');
  }
  const candidates = await ableOf(allowed, findObstacle);
  if (candidates.length > 1) return { candidates };
  return { candidates, only: allowed.length > 1 ? 'requirements' : 'models' };
}

/** The candidates that `routing.models` names, by their own names or their models'. */
function namedIn(
  models: readonly string[] | undefined,
  all: readonly Candidate[],
): readonly Candidate[] {
  if (models === undefined) return all;
  const isNamed = ({ upstream: { deployment } }: Candidate, name: string): boolean =>
    name === deployment.name || name === deployment.modelName;
  const isKnown = (name: string): boolean => all.some((one) => isNamed(one, name));
  if (models.length === 0 || !models.every(isKnown)) {
    const names = all.map(({ upstream }) => upstream.deployment.name).join(', ');
    throw new InvalidRequestError(
      `routing.models must name deployments to choose from: ${names}.`,
      { param: 'routing.models' },
    );
  }
  return all.filter((one) => models.some((name) => isNamed(one, name)));
}

/** The candidates that can serve the request. Throws, saying what each lacks, when none can. */
async function ableOf(
  candidates: readonly Candidate[],
  findObstacle: FindObstacle,
): Promise<readonly Candidate[]> {
  const able: Candidate[] = [];
  const obstacles = new Map<string, string>();
  for (const candidate of candidates) {
    const { deployment } = candidate.upstream;
    const obstacle = await findObstacle(deployment);
    if (obstacle === undefined) able.push(candidate);
    else obstacles.set(deployment.name, obstacle);
  }
  if (able.length === 0) throw noDeploymentCanServe(obstacles);
  return able;
}
