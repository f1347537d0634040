using '../main.bicep'

// Storage, models and vault have no public address, and only the network reaches the app.
param environmentName = 'private'
param location = 'swedencentral'
// Only the first deployment needs this, for example $(openssl rand -hex 32); the vault keeps it.
param hasCacheKeySecret = true
param cacheKeySecret = readEnvironmentVariable('CACHE_KEY_SECRET', '')
param network = { addressPrefix: '10.60.0.0/24', isAppPublic: false }
param apiManagement = { publisherEmail: 'platform@example.com', sku: 'StandardV2' }
// The front door's key and its hash. These zeros admit no caller; docs/deploy.md shows how to generate both.
param frontDoorKey = readEnvironmentVariable('FRONT_DOOR_KEY', '')
param apiKeys = readEnvironmentVariable(
  'ROUTER_API_KEYS',
  'front-door=0000000000000000000000000000000000000000000000000000000000000000'
)
