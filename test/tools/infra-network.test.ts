import type { Resource, Snapshot } from '../../tools/infra/snapshot.ts';
import {
  AI,
  type Case,
  changed,
  describeChanges,
  drop,
  ENDPOINT,
  first,
  GATEWAY,
  SITE,
  STORAGE,
  without,
} from '../support/infra-snapshots.ts';

const network: Case[] = [
  [
    'public storage beside private endpoints',
    'private-network',
    changed(STORAGE, 'properties.publicNetworkAccess', 'Enabled'),
    /storageAccounts .*: publicNetworkAccess must be Disabled/,
  ],
  [
    'public models beside private endpoints',
    'private-network',
    changed(AI, 'properties.publicNetworkAccess', 'Enabled'),
    /accounts .*: publicNetworkAccess must be Disabled/,
  ],
  [
    'a private endpoint without DNS',
    'private-network',
    (one) => drop(one, first(one, `${ENDPOINT}/privateDnsZoneGroups`)),
    /has no DNS zone group/,
  ],
  [
    'a private network without endpoints',
    'private-network',
    without(ENDPOINT),
    /There is no Microsoft\.Network\/privateEndpoints, which this set must contain/,
  ],
  [
    'a service without an endpoint',
    'private-network',
    changed(ENDPOINT, 'properties.privateLinkServiceConnections', []),
    /There is no private endpoint for/,
  ],
  [
    'a public vault beside private endpoints',
    'private-network',
    changed('Microsoft.KeyVault/vaults', 'properties.publicNetworkAccess', 'Enabled'),
    /vaults .*: publicNetworkAccess must be Disabled/,
  ],
  ...['blob', 'table', 'account', 'vault', 'sites'].map(
    (group): Case => [
      `${group} without an endpoint`,
      'private-network',
      (one) => drop(one, endpointTo(one, group)),
      new RegExp(`There is no private endpoint for ${group}`),
    ],
  ),
  ...[null, undefined, ''].map(
    (subnet): Case => [
      `an app outside the network: ${subnet}`,
      'private-network',
      changed(SITE, 'properties.virtualNetworkSubnetId', subnet),
      /virtualNetworkSubnetId must be a subnet/,
    ],
  ),
  [
    'a front door outside the network',
    'private-network',
    changed(GATEWAY, 'properties.virtualNetworkType', 'None'),
    /virtualNetworkType must be External/,
  ],
  [
    'a front door without a subnet',
    'private-network',
    changed(GATEWAY, 'properties.virtualNetworkConfiguration', null),
    /virtualNetworkConfiguration must have a subnet/,
  ],
];

describeChanges(network);

function endpointTo({ resources }: Snapshot, group: string): Resource {
  const found = resources.find(
    (one) => one.type === ENDPOINT && JSON.stringify(one).includes(`"groupIds":["${group}"]`),
  );
  if (found === undefined) throw new Error(`There is no endpoint to ${group}.`);
  return found;
}
