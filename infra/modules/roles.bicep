metadata name = 'Roles'
metadata description = 'Every role assignment of the deployment, in one table.'

@description('Required. The principals that get the roles of the table.')
param principals {
  kind: ('app' | 'developer' | 'apiManagement')
  id: string
  type: ('User' | 'Group' | 'ServicePrincipal')
}[]

@description('Required. The storage account\'s name.')
param storageName string

@description('Required. The AI account\'s name.')
param aiName string

@description('Required. The name of Application Insights.')
param insightsName string

@description('Required. Whether there is a Key Vault.')
param hasKeyVault bool

@description('Required. Whether there are models of publishers other than OpenAI, which need their own role.')
param hasOtherModels bool

@description('Required. The Key Vault\'s name.')
param keyVaultName string

// Storage Blob Data Owner: the host keeps its package, its keys and its locks in blobs.
var table = [
  { scope: 'storage', principal: 'app', role: 'Storage Blob Data Owner' }
  { scope: 'storage', principal: 'app', role: 'Storage Table Data Contributor' }
  { scope: 'ai', principal: 'app', role: 'Cognitive Services OpenAI User' }
  { scope: 'ai', principal: 'app', role: 'Cognitive Services User', when: 'hasOtherModels' }
  { scope: 'insights', principal: 'app', role: 'Monitoring Metrics Publisher' }
  { scope: 'vault', principal: 'app', role: 'Key Vault Secrets User', when: 'hasKeyVault' }
  { scope: 'insights', principal: 'apiManagement', role: 'Monitoring Metrics Publisher' }
  { scope: 'storage', principal: 'developer', role: 'Storage Table Data Contributor' }
  { scope: 'ai', principal: 'developer', role: 'Cognitive Services OpenAI User' }
]

var roleIds = {
  'Cognitive Services OpenAI User': '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'
  'Cognitive Services User': 'a97b65f3-24c7-4388-baec-2e87135dc908'
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6'
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb'
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

var conditions = { always: true, hasKeyVault: hasKeyVault, hasOtherModels: hasOtherModels }
var rows = flatten(map(
  principals,
  principal =>
    map(
      filter(table, row => row.principal == principal.kind && conditions[row.?when ?? 'always']),
      row => { scope: row.scope, roleId: roleIds[row.role], principalId: principal.id, principalType: principal.type }
    )
))
var onStorage = filter(rows, row => row.scope == 'storage')
var onAi = filter(rows, row => row.scope == 'ai')
var onInsights = filter(rows, row => row.scope == 'insights')
var onVault = filter(rows, row => row.scope == 'vault')

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

resource ai 'Microsoft.CognitiveServices/accounts@2025-06-01' existing = {
  name: aiName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: keyVaultName
}

resource storageRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for row in onStorage: {
    scope: storage
    name: guid(storage.id, row.principalId, row.roleId)
    properties: {
      principalId: row.principalId
      principalType: row.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', row.roleId)
    }
  }
]

resource aiRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for row in onAi: {
    scope: ai
    name: guid(ai.id, row.principalId, row.roleId)
    properties: {
      principalId: row.principalId
      principalType: row.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', row.roleId)
    }
  }
]

resource insightsRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for row in onInsights: {
    scope: insights
    name: guid(insights.id, row.principalId, row.roleId)
    properties: {
      principalId: row.principalId
      principalType: row.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', row.roleId)
    }
  }
]

resource vaultRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for row in onVault: {
    scope: vault
    name: guid(vault.id, row.principalId, row.roleId)
    properties: {
      principalId: row.principalId
      principalType: row.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', row.roleId)
    }
  }
]
