import { DeploymentNotFoundError } from '../errors.ts';
import { type Controls, parseRouterModel } from '../routing/controls.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** What a request's name stands for: the router, with what the name asks of it, or a deployment. */
export type Target = { readonly controls: Controls; readonly deployment?: Upstream };

/** Throws a DeploymentNotFoundError that lists what there is, or an InvalidRequestError. */
export function findTarget(name: string, param: string, upstreams: readonly Upstream[]): Target {
  const controls = parseRouterModel(name, param);
  if (controls !== undefined) return { controls };
  const deployment = upstreams.find((upstream) => upstream.deployment.name === name);
  if (deployment !== undefined) return { controls: {}, deployment };
  const names = upstreams.map((upstream) => upstream.deployment.name).join(', ');
  // The name is not repeated: it may be long, or a key put in the wrong place.
  throw new DeploymentNotFoundError(
    `There is no deployment of this name. Use smart-router, router-mf-<threshold>, or one of: ${names}.`,
    param,
  );
}
