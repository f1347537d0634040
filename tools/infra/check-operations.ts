import { policyOf } from './check-policies.ts';
import { label } from './check-services.ts';
import { readXml } from './policy-xml.ts';
import {
  apiDocumentOf,
  ofType,
  policyTextOf,
  type Resource,
  type Snapshot,
  valueAt,
} from './snapshot.ts';

const SERVICE = 'Microsoft.ApiManagement/service';

/**
 * Checks that the APIs together have the document's operations, each once. Only `GET /health` takes
 * no key, and its policy restores the part of the path that its API removes.
 */
export function checkOperations(
  snapshot: Snapshot,
  documented: readonly string[],
): readonly string[] {
  const apis = ofType(snapshot, `${SERVICE}/apis`);
  if (apis.length === 0) return [];
  const offered = apis.flatMap((api) => operationsAt(api));
  const keyless = apis.filter((api) => valueAt(api, 'properties.subscriptionRequired') !== true);
  const open = keyless.flatMap((api) => operationsAt(api));
  return [
    ...documented
      .filter((one) => !offered.includes(one))
      .map((one) => `No API offers ${one}, which docs/openapi.json has.`),
    ...offered
      .filter((one) => !documented.includes(one))
      .map((one) => `An API offers ${one}, which docs/openapi.json does not have.`),
    ...offered
      .filter((one, index) => offered.indexOf(one) !== index)
      .map((one) => `Two APIs offer ${one}.`),
    ...open
      .filter((one) => one !== 'GET /health')
      .map((one) => `An API without keys offers ${one}.`),
    ...(open.includes('GET /health') ? [] : ['GET /health must be offered without a key.']),
    ...keyless
      .filter((api) => !isRewritten(snapshot, api))
      .map((api) => `${label(api)}: its policy must have rewrite-uri to /health.`),
  ];
}

/**
 * Lists the operations as callers see them: `GET /health` for the operation `GET /` of the API at
 * `health`.
 */
function operationsAt(api: Resource): readonly string[] {
  const path = String(valueAt(api, 'properties.path') ?? '').replace(/^\/|\/$/g, '');
  const base = path === '' ? '' : `/${path}`;
  return (apiDocumentOf(api)?.operations ?? []).map((operation) => {
    const [method, template = '/'] = operation.split(' ');
    return `${method} ${base === '' ? template : `${base}${template.replace(/\/$/, '')}`}`;
  });
}

function isRewritten(snapshot: Snapshot, api: Resource): boolean {
  const policy = policyOf(snapshot, api);
  if (policy === undefined) return false;
  return readXml(policyTextOf(policy)).elements.some(
    ({ name, attributes }) => name === 'rewrite-uri' && attributes['template'] === '/health',
  );
}
