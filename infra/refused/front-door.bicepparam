using '../main.bicep'

// refused: apiManagement.publisherEmail must be an e-mail address
// refused: API Management of the SKU BasicV2 cannot join a virtual network
// refused: API Management in a private network needs network.existing.apiManagementSubnetId
// refused: API Management needs a key to the router
// refused: apiManagement.useCases must be names
param environmentName = 'refused'
param location = 'swedencentral'
param apiManagement = { publisherEmail: 'platform', sku: 'BasicV2', useCases: ['default', 'a"b'] }
param network = {
  existing: { networkId: '/network', appSubnetId: '/network/app', endpointSubnetId: '/network/endpoints' }
}
