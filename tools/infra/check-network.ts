import { label } from './check-services.ts';
import { ofType, type Resource, type Snapshot, valueAt } from './snapshot.ts';

const PRIVATE_ENDPOINT = 'Microsoft.Network/privateEndpoints';
const VAULT = 'Microsoft.KeyVault/vaults';
const SITE = 'Microsoft.Web/sites';
const CLOSED = ['Microsoft.Storage/storageAccounts', 'Microsoft.CognitiveServices/accounts', VAULT];

/**
 * Checks that with private endpoints the services have no public address, that their names resolve
 * to private addresses, and that their callers are in the network.
 */
export function checkNetwork(snapshot: Snapshot): readonly string[] {
  const endpoints = ofType(snapshot, PRIVATE_ENDPOINT);
  if (endpoints.length === 0) return [];
  const groups = ofType(snapshot, `${PRIVATE_ENDPOINT}/privateDnsZoneGroups`);
  return [
    ...CLOSED.flatMap((type) => ofType(snapshot, type))
      .filter((service) => !isClosed(service))
      .map((service) => `${label(service)}: publicNetworkAccess must be Disabled.`),
    ...endpoints
      .filter(({ name }) => !groups.some((group) => group.name.startsWith(`${name}/`)))
      .map(
        (endpoint) => `${label(endpoint)}: has no DNS zone group, so its name does not resolve.`,
      ),
    ...checkTargets(snapshot, endpoints),
    ...checkCallers(snapshot),
  ];
}

function checkTargets(snapshot: Snapshot, endpoints: readonly Resource[]): readonly string[] {
  const targets = endpoints.map((one) => JSON.stringify(one['properties'] ?? {}).toLowerCase());
  const wanted = [
    ...['blob', 'table', 'account'],
    ...(ofType(snapshot, VAULT).length > 0 ? ['vault'] : []),
    ...(ofType(snapshot, SITE).some(isClosed) ? ['sites'] : []),
  ];
  return wanted
    .filter((group) => !targets.some((target) => target.includes(`"groupids":["${group}"]`)))
    .map((group) => `There is no private endpoint for ${group}.`);
}

/** Checks the callers: a service without a public address can be reached only from inside the network. */
function checkCallers(snapshot: Snapshot): readonly string[] {
  const gateways = ofType(snapshot, 'Microsoft.ApiManagement/service');
  return [
    ...ofType(snapshot, SITE)
      .filter((site) => !valueAt(site, 'properties.virtualNetworkSubnetId'))
      .map((site) => `${label(site)}: virtualNetworkSubnetId must be a subnet.`),
    ...gateways
      .filter((one) => valueAt(one, 'properties.virtualNetworkType') !== 'External')
      .map((one) => `${label(one)}: virtualNetworkType must be External.`),
    ...gateways
      .filter((one) => !valueAt(one, 'properties.virtualNetworkConfiguration.subnetResourceId'))
      .map((one) => `${label(one)}: virtualNetworkConfiguration must have a subnet.`),
  ];
}

function isClosed(service: Resource): boolean {
  return valueAt(service, 'properties.publicNetworkAccess') === 'Disabled';
}
