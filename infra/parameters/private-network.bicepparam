using '../main.bicep'

// Storage, models and vault without a public address, and an app that only the network reaches.
param environmentName = 'private'
param location = 'swedencentral'
param hasCacheKeySecret = true
param network = { addressPrefix: '10.60.0.0/24', isAppPublic: false }
param apiManagement = { publisherEmail: 'platform@example.com', sku: 'StandardV2' }
