using '../main.bicep'

// refused: API Management of the SKU BasicV2 cannot join a virtual network
param environmentName = 'refused'
param location = 'swedencentral'
param network = {}
param apiManagement = { publisherEmail: 'platform@example.com', sku: 'BasicV2' }
param apiKeys = 'front-door=0'
