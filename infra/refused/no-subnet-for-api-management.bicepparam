using '../main.bicep'

// refused: API Management in a private network needs network.existing.apiManagementSubnetId
param environmentName = 'refused'
param location = 'swedencentral'
param apiManagement = { publisherEmail: 'platform@example.com', sku: 'StandardV2' }
param network = {
  existing: { networkId: '/network', appSubnetId: '/network/app', endpointSubnetId: '/network/endpoints' }
}
param apiKeys = 'front-door=0'
