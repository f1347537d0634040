import { parseApiKeys } from '../../shared/access/api-keys.ts';
import { settingsOf } from './app-settings.ts';
import { policyOf } from './check-policies.ts';
import { label } from './check-services.ts';
import { readXml } from './policy-xml.ts';
import { ofType, policyTextOf, type Resource, type Snapshot, valueAt } from './snapshot.ts';

const SERVICE = 'Microsoft.ApiManagement/service';

/** The places in which callers may send their key. The policy replaces or deletes each of them. */
const KEY_PLACES = { header: 'api-key', query: 'subscription-key', bearer: 'enabled' };

/** A host without a path, either written out or the app's own, which only Azure knows. */
const HOST_ONLY =
  /^(https:\/\/[\w.-]+|\[format\('https:\/\/\{0\}', reference\([^()]*\)\.defaultHostName\)\])$/;

/**
 * Checks the API that takes keys, the key that it sends to the router instead, and the router's
 * address.
 */
export function checkFrontDoor(snapshot: Snapshot): readonly string[] {
  const withKeys = ofType(snapshot, `${SERVICE}/apis`).filter(
    (api) => valueAt(api, 'properties.subscriptionRequired') !== false,
  );
  return [
    ...withKeys.flatMap((api) => [...checkApi(api), ...checkRouterKey(snapshot, api)]),
    ...ofType(snapshot, `${SERVICE}/backends`)
      .filter((backend) => !HOST_ONLY.test(String(valueAt(backend, 'properties.url'))))
      // A path here would precede the path of every call.
      .map((one) => `${label(one)}: url must be https and the app's host, without a path.`),
    ...checkAppSettings(snapshot),
  ];
}

function checkApi(api: Resource): readonly string[] {
  const misplaced = Object.entries(KEY_PLACES)
    .map(([place, value]) => ({ at: `subscriptionKeyParameterNames.${place}`, value }))
    .filter(({ at, value }) => valueAt(api, `properties.${at}`) !== value)
    .map(({ at, value }) => `${label(api)}: ${at} must be "${value}".`);
  // OpenAI's clients append their own paths to the host.
  const isAtRoot = valueAt(api, 'properties.path') === '';
  return isAtRoot ? misplaced : [...misplaced, `${label(api)}: path must be empty.`];
}

/** Checks that the router receives the front door's own key, a secret, and never the caller's. */
function checkRouterKey(snapshot: Snapshot, api: Resource): readonly string[] {
  const policy = policyOf(snapshot, api);
  // checkPolicySteps reports a missing policy.
  if (policy === undefined) return [];
  const secrets = ofType(snapshot, `${SERVICE}/namedValues`)
    .filter((one) => valueAt(one, 'properties.secret') === true)
    .map((one) => `{{${String(valueAt(one, 'properties.displayName'))}}}`);
  const shown = readXml(policyTextOf(policy)).elements.findLast(
    ({ name, place, attributes }) =>
      name === 'set-header' &&
      place === 'policies/inbound' &&
      attributes['name']?.toLowerCase() === 'api-key',
  );
  const isOwn =
    shown?.attributes['exists-action'] === 'override' && secrets.includes(shown.text.trim());
  return isOwn
    ? []
    : [`${label(policy)}: <inbound> must override api-key with a named value that is a secret.`];
}

/** Checks that the router knows the front door by its key, and requires keys itself. */
function checkAppSettings(snapshot: Snapshot): readonly string[] {
  const settings = settingsOf(snapshot);
  if (settings === undefined) return [];
  const { FRONT_DOOR = '', ROUTER_API_KEYS = '' } = settings;
  const isBehind = ofType(snapshot, SERVICE).length > 0;
  const isKnown = parseApiKeys(ROUTER_API_KEYS).keys.some(({ isFrontDoor }) => isFrontDoor);
  return [
    ...(FRONT_DOOR === ''
      ? []
      : ["The setting FRONT_DOOR must be empty: the front door's key is not the host's."]),
    ...(isBehind && !isKnown
      ? ['The setting ROUTER_API_KEYS must have front-door=<sha256>, for API Management.']
      : []),
  ];
}
