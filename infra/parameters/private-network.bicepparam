using '../main.bicep'

// Storage, models and vault without a public address, and an app that only the network reaches.
param environmentName = 'private'
param location = 'swedencentral'
// Needed the first time, such as $(openssl rand -hex 32); then the vault has it.
param hasCacheKeySecret = true
param cacheKeySecret = readEnvironmentVariable('CACHE_KEY_SECRET', '')
param network = { addressPrefix: '10.60.0.0/24', isAppPublic: false }
param apiManagement = { publisherEmail: 'platform@example.com', sku: 'StandardV2' }
// The front door's key and its hash; with these zeros nobody gets in. docs/deploy.md says how to make them.
param frontDoorKey = readEnvironmentVariable('FRONT_DOOR_KEY', '')
param apiKeys = readEnvironmentVariable(
  'ROUTER_API_KEYS',
  'front-door=0000000000000000000000000000000000000000000000000000000000000000'
)
