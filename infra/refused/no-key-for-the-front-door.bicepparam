using '../main.bicep'

// refused: API Management needs a key to the router
param environmentName = 'refused'
param location = 'swedencentral'
param apiManagement = { publisherEmail: 'platform@example.com' }
