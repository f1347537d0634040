metadata name = 'Private endpoints'
metadata description = 'Private addresses for the services, and the DNS zones that lead there.'

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

@description('Required. The network to which the zones are linked.')
param networkId string

@description('Required. The subnet of the endpoints.')
param subnetId string

@description('Required. Whether the DNS zones are created here.')
param createDnsZones bool

@description('Required. The resources that get a private address: a name, the resource and its sub-resource.')
param targets {
  name: string
  resourceId: string
  group: ('blob' | 'table' | 'account' | 'vault' | 'sites')
}[]

// The zones of the public cloud; other clouds have other names.
var zonesByGroup = loadJsonContent('../private-dns-zones.json')
var zoneNames = createDnsZones ? flatten(map(targets, target => zonesByGroup[target.group])) : []

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zoneNames: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zoneNames: {
    parent: zones[index]
    name: 'to-network'
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for target in targets: {
    name: 'pep-${target.name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: subnetId }
      privateLinkServiceConnections: [
        {
          name: target.name
          properties: { privateLinkServiceId: target.resourceId, groupIds: [target.group] }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for (target, index) in targets: if (createDnsZones) {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        for zone in zonesByGroup[target.group]: {
          name: replace(zone, '.', '-')
          properties: { privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zone) }
        }
      ]
    }
    dependsOn: [zones]
  }
]
