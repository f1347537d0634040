using '../main.bicep'

// refused: publisherEmail must be an e-mail address
param environmentName = 'refused'
param location = 'swedencentral'
param apiManagement = { publisherEmail: 'platform' }
