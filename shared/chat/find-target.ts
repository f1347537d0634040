import { DeploymentNotFoundError } from '../base/errors.ts';
import { type Controls, parseRouterModel } from '../policy/controls.ts';
import type { Fleet, Member } from '../registry/fleet.ts';

/** The target of a request: the router, with the controls that its name carries, or a deployment. */
export type Target = { readonly controls: Controls; readonly named?: Member };

/** Throws a DeploymentNotFoundError that lists the names that exist, or an InvalidRequestError. */
export function findTarget(name: string, param: string, { members }: Fleet): Target {
  const controls = parseRouterModel(name, param);
  if (controls !== undefined) return { controls };
  const named = members.find(({ upstream }) => upstream.deployment.name === name);
  if (named?.isEnabled) return { controls: {}, named };
  const names = members
    .filter(({ isEnabled }) => isEnabled)
    .map(({ upstream }) => upstream.deployment.name);
  // The name is not repeated: it may be long, or a key in the wrong place.
  const what =
    named === undefined ? 'There is no deployment of this name' : 'This deployment is paused';
  throw new DeploymentNotFoundError(
    `${what}. Use smart-router, router-mf-<threshold>, or one of: ${names.join(', ')}.`,
    param,
  );
}
