using '../main.bicep'

// A deployment for a steady load: instances that always run, storage in three zones, a front door with
// limits and named use cases, and cache keys that cannot be guessed.
param environmentName = 'production'
param location = 'swedencentral'
param tags = { owner: 'platform', 'cost-center': 'ai' }
param strong = { name: 'strong', model: 'gpt-5.6-sol', version: '2026-07-09', capacity: 500 }
param weak = { name: 'weak', model: 'gpt-5.6-luna', version: '2026-07-09', capacity: 1000 }
param embedding = { name: 'embedding', model: 'text-embedding-3-small', version: '1', capacity: 500 }
param scale = { alwaysReady: 2, maximumInstanceCount: 200 }
param storageSku = 'Standard_ZRS'
param retentionInDays = 90
param alerts = { emails: ['platform@example.com'], dailyCost: 500 }
// Only the first deployment needs this, for example $(openssl rand -hex 32); the vault keeps it.
param hasCacheKeySecret = true
param cacheKeySecret = readEnvironmentVariable('CACHE_KEY_SECRET', '')
// You store these secrets yourself; registered deployments may name them.
param keyVaultSecrets = ['partner-models-key']
param routerSettings = {
  LOG_LEVEL: 'warning'
  STRONG_PRICE: '4/20'
  WEAK_PRICE: '0.2/1.2'
}
param apiManagement = {
  publisherEmail: 'platform@example.com'
  publisherName: 'Platform'
  sku: 'StandardV2'
  tokensPerMinute: 500000
  callsPerMinute: 3000
  useCases: ['default', 'support', 'search']
}
// The front door's key and its hash. These zeros admit no caller; docs/deploy.md shows how to generate both.
param frontDoorKey = readEnvironmentVariable('FRONT_DOOR_KEY', '')
param apiKeys = readEnvironmentVariable(
  'ROUTER_API_KEYS',
  'front-door=0000000000000000000000000000000000000000000000000000000000000000'
)
