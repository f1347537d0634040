using '../main.bicep'

// refused: apiManagement.useCases must be names
param environmentName = 'refused'
param location = 'swedencentral'
param apiKeys = 'front-door=0'
param apiManagement = { publisherEmail: 'platform@example.com', useCases: ['default', 'a"b'] }
