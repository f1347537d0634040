import { SaxesParser } from 'saxes';
import { label } from './check-services.ts';
import {
  apiDocumentOf,
  isPolicy,
  ofType,
  policyTextOf,
  type Resource,
  type Snapshot,
  valueAt,
} from './snapshot.ts';

const SERVICE = 'Microsoft.ApiManagement/service';

/** Policies can be read, name what there is, and let streams through; so do backends. */
export function checkPolicies(snapshot: Snapshot): readonly string[] {
  const backends = ofType(snapshot, `${SERVICE}/backends`);
  const backendNames = backends.map(({ name }) => name.split('/').at(-1));
  // A reference is to the display name.
  const values = ofType(snapshot, `${SERVICE}/namedValues`).map((one) =>
    valueAt(one, 'properties.displayName'),
  );
  const unknownValues = (resource: Resource, text: string): readonly string[] =>
    [...text.matchAll(/\{\{\s*(.*?)\s*\}\}/g)]
      .map(([, name]) => name)
      .filter((name) => !values.includes(name))
      .map((name) => `${label(resource)}: there is no named value "${name}".`);
  return [
    ...backends.flatMap((one) => unknownValues(one, JSON.stringify(one))),
    ...snapshot.resources.filter(isPolicy).flatMap((policy) => {
      const text = policyTextOf(policy);
      const { elements, problem } = readXml(text);
      if (problem !== undefined) return [`${label(policy)}: is not well-formed XML: ${problem}`];
      return [
        // In comments, too: the gateway replaces them before it reads the XML.
        ...unknownValues(policy, text),
        ...elements
          .map(({ attributes }) => attributes['backend-id'])
          .filter((name) => name !== undefined && !backendNames.includes(name))
          .map((name) => `${label(policy)}: there is no backend "${name}".`),
        ...checkForwarding(policy, elements),
      ];
    }),
  ];
}

function checkForwarding(policy: Resource, elements: readonly XmlElement[]): readonly string[] {
  const forwards = elements.filter(({ name }) => name === 'forward-request');
  if (forwards.length === 0) return [`${label(policy)}: has no forward-request.`];
  return forwards
    .filter(({ attributes }) => attributes['buffer-response'] !== 'false')
    .map(() => `${label(policy)}: forward-request must have buffer-response="false", for streams.`);
}

type XmlElement = { readonly name: string; readonly attributes: Readonly<Record<string, string>> };

function readXml(text: string): {
  readonly elements: readonly XmlElement[];
  readonly problem?: string;
} {
  const elements: XmlElement[] = [];
  let problem: string | undefined;
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) => elements.push({ name, attributes }));
  // The first: what follows it is mostly its consequence.
  parser.on('error', ({ message }) => {
    problem ??= message;
  });
  parser.write(text).close();
  return { elements, ...(problem !== undefined && { problem }) };
}

/**
 * The APIs together have the document's operations, each once. `GET /health` alone takes no key,
 * and what its API leaves of the path is put back by its policy.
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

/** As callers ask: `GET /health` for the operation `GET /` of the API at `health`. */
function operationsAt(api: Resource): readonly string[] {
  const path = String(valueAt(api, 'properties.path') ?? '').replace(/^\/|\/$/g, '');
  const base = path === '' ? '' : `/${path}`;
  return (apiDocumentOf(api)?.operations ?? []).map((operation) => {
    const [method, template = '/'] = operation.split(' ');
    return `${method} ${base === '' ? template : `${base}${template.replace(/\/$/, '')}`}`;
  });
}

function isRewritten(snapshot: Snapshot, api: Resource): boolean {
  const policy = snapshot.resources.find(
    (one) => isPolicy(one) && one.name.startsWith(`${api.name}/`),
  );
  if (policy === undefined) return false;
  return readXml(policyTextOf(policy)).elements.some(
    ({ name, attributes }) => name === 'rewrite-uri' && attributes['template'] === '/health',
  );
}
