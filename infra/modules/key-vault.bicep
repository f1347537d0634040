metadata name = 'Key Vault'
metadata description = 'The keys of services that have no better way: the app reads them through its settings.'

@description('Required. The vault\'s name.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

@description('Required. Whether only private endpoints reach it.')
param isPrivate bool

@description('Optional. The key of the weak model elsewhere; empty keeps the stored key.')
@secure()
param weakApiKey string = ''

@description('Optional. CACHE_KEY_SECRET of the app; empty keeps the stored secret.')
@secure()
param cacheKeySecret string = ''

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: isPrivate ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }
}

resource weakApiKeySecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (!empty(weakApiKey)) {
  parent: vault
  name: 'weak-api-key'
  properties: { value: weakApiKey }
}

resource cacheKeySecretSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (!empty(cacheKeySecret)) {
  parent: vault
  name: 'cache-key-secret'
  properties: { value: cacheKeySecret }
}

@description('The resource id, for the private endpoint.')
output id string = vault.id
