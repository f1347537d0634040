import { mayCall } from '../../shared/access/caller.ts';
import { jsonAnswer } from '../../shared/base/answer.ts';
import type { Call } from '../../shared/calls/call.ts';
import { enabledUpstreams, type RouteServices } from '../build/create-services.ts';

/** The handlers that answer for the router itself. */
export function createServiceHandlers({ registry, embedding, checkReadiness }: RouteServices) {
  function health() {
    return jsonAnswer(200, { status: 'online' });
  }

  async function ready() {
    const readiness = await checkReadiness();
    return jsonAnswer(readiness.status === 'unavailable' ? 503 : 200, readiness);
  }

  async function openapi() {
    // The document is rarely requested, so it is not read at the start.
    const { default: document } = await import('../../docs/openapi.json', {
      with: { type: 'json' },
    });
    return jsonAnswer(200, document);
  }

  function models({ caller }: Call) {
    const callable = [...enabledUpstreams(registry), ...(embedding ? [embedding] : [])];
    const names = callable.map(({ deployment }) => deployment.name);
    const ids = ['smart-router', ...names.filter((name) => mayCall(caller, name))];
    const data = ids.map((id) => ({ id, object: 'model', created: 0, owned_by: 'smart-router' }));
    return jsonAnswer(200, { object: 'list', data });
  }

  return { health, ready, openapi, models };
}
