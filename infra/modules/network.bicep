metadata name = 'Network'
metadata description = 'A virtual network with a subnet for the app, one for private endpoints and one for API Management.'

@description('Required. The name.')
param name string

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

@description('Required. The address range, /24 or larger.')
param addressPrefix string

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0)
          // Flex Consumption requires this delegation.
          delegations: [{ name: 'app', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 1)
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
      {
        name: 'api-management'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 2)
          delegations: [{ name: 'api-management', properties: { serviceName: 'Microsoft.Web/serverFarms' } }]
          networkSecurityGroup: { id: securityGroup.id }
        }
      }
    ]
  }
}

// API Management requires a security group on its subnet; the default rules allow all that it needs.
resource securityGroup 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
}

@description('The network.')
output networkId string = network.id

@description('The app\'s subnet.')
output appSubnetId string = '${network.id}/subnets/app'

@description('The private endpoints\' subnet.')
output endpointSubnetId string = '${network.id}/subnets/endpoints'

@description('API Management\'s subnet.')
output apiManagementSubnetId string = '${network.id}/subnets/api-management'
