import { mayCall } from '../../shared/access/caller.ts';
import { jsonAnswer } from '../../shared/base/answer.ts';
import { DeploymentNotFoundError } from '../../shared/base/errors.ts';
import type { Call } from '../../shared/calls/call.ts';
import { parseRouterModel } from '../../shared/policy/controls.ts';
import { enabledUpstreams, type RouteServices } from '../build/create-services.ts';

/** The handlers that answer for the router itself. */
export function createServiceHandlers({ registry, embedding, checkReadiness }: RouteServices) {
  function health() {
    return jsonAnswer(200, { status: 'online' });
  }

  async function ready() {
    const readiness = await checkReadiness();
    const takesRequests = readiness.status === 'ready' || readiness.status === 'degraded';
    return jsonAnswer(takesRequests ? 200 : 503, readiness);
  }

  async function openapi() {
    // The document is rarely requested, so it is not read at the start.
    const { default: document } = await import('../../docs/openapi.json', {
      with: { type: 'json' },
    });
    return jsonAnswer(200, document);
  }

  /** The names that a caller may send as its model. */
  function namesFor({ caller }: Call): readonly string[] {
    const callable = [...enabledUpstreams(registry), ...(embedding ? [embedding] : [])];
    const names = callable.map(({ deployment }) => deployment.name);
    return ['smart-router', ...names.filter((name) => mayCall(caller, name))];
  }

  function models(call: Call) {
    return jsonAnswer(200, { object: 'list', data: namesFor(call).map(toModel) });
  }

  function model(call: Call) {
    const { name = '' } = call;
    const names = namesFor(call);
    // Names such as router-mf-0.3 are not listed, since there is one for each threshold.
    if (names.includes(name) || parseRouterModel(name, 'name') !== undefined) {
      return jsonAnswer(200, toModel(name));
    }
    throw new DeploymentNotFoundError(
      `Use one of these names: ${names.join(', ')}, or router-mf-<threshold>. There is no model of the name that was sent.`,
      'name',
    );
  }

  return { health, ready, openapi, models, model };
}

function toModel(id: string) {
  return { id, object: 'model', created: 0, owned_by: 'smart-router' };
}
