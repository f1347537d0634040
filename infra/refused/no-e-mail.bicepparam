using '../main.bicep'

// refused: apiManagement.publisherEmail must be an e-mail address
param environmentName = 'refused'
param location = 'swedencentral'
param apiManagement = { publisherEmail: 'platform' }
param apiKeys = 'front-door=0'
