import { label } from './check-services.ts';
import { readXml, type XmlElement } from './policy-xml.ts';
import {
  isPolicy,
  ofType,
  policyTextOf,
  type Resource,
  type Snapshot,
  valueAt,
} from './snapshot.ts';

const SERVICE = 'Microsoft.ApiManagement/service';

/**
 * Checks that policies are well-formed, reference only existing names, and pass streams through, as
 * backends do.
 */
export function checkPolicies(snapshot: Snapshot): readonly string[] {
  const backends = ofType(snapshot, `${SERVICE}/backends`);
  const backendNames = backends.map(({ name }) => name.split('/').at(-1));
  // References use the display name.
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
        // Comments count too: the gateway replaces named values before it reads the XML.
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

/** A change that a policy makes to every call; `isConditional` allows it for only some calls. */
type Step = {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly isConditional?: boolean;
};

const deleteHeader = (name: string): Step => ({
  name: 'set-header',
  attributes: { name, 'exists-action': 'delete' },
});
const deleteQueryParameter = (name: string): Step => ({
  name: 'set-query-parameter',
  attributes: { name, 'exists-action': 'delete' },
});

const OF_ALL: readonly Step[] = [
  { name: 'set-backend-service' },
  // Only the platform may set these: the caller, the request's id, and the app's own key.
  ...[
    'x-ms-invocation-id',
    'x-ms-client-principal',
    'x-ms-client-principal-id',
    'x-ms-client-principal-name',
    'x-ms-client-principal-idp',
    'x-functions-key',
  ].map(deleteHeader),
];

const WITH_KEYS: readonly Step[] = [
  { name: 'rate-limit-by-key' },
  // Embeddings and lists have no answer tokens to count.
  { name: 'llm-token-limit', isConditional: true },
  { name: 'llm-emit-token-metric', isConditional: true },
  // The front door sets the use case and the caller.
  ...['X-USE_CASE', 'x-front-door-caller'].map(
    (name): Step => ({ name: 'set-header', attributes: { name, 'exists-action': 'override' } }),
  ),
  // The caller's key is removed from each place where it may be (api-key gets the router's), and so
  // is the app's own key.
  deleteHeader('Authorization'),
  ...['code', 'subscription-key'].map(deleteQueryParameter),
];

/**
 * Checks that every API has a policy that leads to the router and does not let callers choose their
 * identity.
 */
export function checkPolicySteps(snapshot: Snapshot): readonly string[] {
  return ofType(snapshot, `${SERVICE}/apis`).flatMap((api) => {
    const policy = policyOf(snapshot, api);
    if (policy === undefined) return [`${label(api)}: has no policy.`];
    const { elements } = readXml(policyTextOf(policy));
    const isOpen = valueAt(api, 'properties.subscriptionRequired') === false;
    return [...OF_ALL, ...(isOpen ? [] : WITH_KEYS)]
      .filter((step) => !elements.some((element) => isStep(element, step)))
      .map((step) => `${label(policy)}: <inbound> must have ${show(step)}.`);
  });
}

/** Returns the policy of a whole API. */
export function policyOf(snapshot: Snapshot, api: Resource): Resource | undefined {
  return ofType(snapshot, `${SERVICE}/apis/policies`).find(
    ({ name }) => name === `${api.name}/policy`,
  );
}

function isStep(element: XmlElement, { name, attributes = {}, isConditional }: Step): boolean {
  const { place } = element;
  const isThere =
    place === 'policies/inbound' ||
    (isConditional === true && place.startsWith('policies/inbound/'));
  return (
    isThere &&
    element.name === name &&
    Object.entries(attributes).every(
      // Header names are case-insensitive.
      ([key, value]) => element.attributes[key]?.toLowerCase() === value.toLowerCase(),
    )
  );
}

function show({ name, attributes = {} }: Step): string {
  const shown = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`);
  return `<${name}${shown.join('')} />`;
}
