import { parseApiKeys } from '../../shared/access/api-keys.ts';
import { settingsOf } from './app-settings.ts';
import { policyOf } from './check-policies.ts';
import { label } from './check-services.ts';
import { readXml } from './policy-xml.ts';
import { ofType, policyTextOf, type Resource, type Snapshot, valueAt } from './snapshot.ts';

const SERVICE = 'Microsoft.ApiManagement/service';

/** How callers give their key. The policy replaces or deletes each of them. */
const KEY_PLACES = { header: 'api-key', query: 'subscription-key', bearer: 'enabled' };

/** Either the host itself, or the app's own as only Azure knows it. */
const HOST_ONLY =
  /^(https:\/\/[\w.-]+|\[format\('https:\/\/\{0\}', reference\([^()]*\)\.defaultHostName\)\])$/;

/** The API that takes keys, what it shows the router in their place, and where it finds it. */
export function checkFrontDoor(snapshot: Snapshot): readonly string[] {
  const withKeys = ofType(snapshot, `${SERVICE}/apis`).filter(
    (api) => valueAt(api, 'properties.subscriptionRequired') !== false,
  );
  return [
    ...withKeys.flatMap((api) => [...checkApi(api), ...checkRouterKey(snapshot, api)]),
    ...ofType(snapshot, `${SERVICE}/backends`)
      .filter((backend) => !HOST_ONLY.test(String(valueAt(backend, 'properties.url'))))
      // A path of its own would come before that of every call.
      .map((one) => `${label(one)}: url must be https, the app's host and nothing more.`),
    ...checkAppSettings(snapshot),
  ];
}

function checkApi(api: Resource): readonly string[] {
  const misplaced = Object.entries(KEY_PLACES)
    .map(([place, value]) => ({ at: `subscriptionKeyParameterNames.${place}`, value }))
    .filter(({ at, value }) => valueAt(api, `properties.${at}`) !== value)
    .map(({ at, value }) => `${label(api)}: ${at} must be "${value}".`);
  // OpenAI's clients put their own paths behind the host.
  const isAtRoot = valueAt(api, 'properties.path') === '';
  return isAtRoot ? misplaced : [...misplaced, `${label(api)}: path must be empty.`];
}

/** The router is shown the front door's own key, a secret, and never the caller's. */
function checkRouterKey(snapshot: Snapshot, api: Resource): readonly string[] {
  const policy = policyOf(snapshot, api);
  // That it is missing is said elsewhere.
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

/** The router knows the front door by its key, and asks for keys itself. */
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
