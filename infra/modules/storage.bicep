metadata name = 'Storage'
metadata description = 'The app\'s package and tables. Without account keys: everybody signs in.'

@description('Required. The account\'s name.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

@description('Required. The tables to create; the app itself never creates any.')
param tableNames string[]

@description('Required. The replication.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param sku string

@description('Required. Whether only private endpoints reach it.')
param isPrivate bool

@description('Required. The container of the app\'s package.')
param packageContainerName string

@description('Required. The container of messages that are too large for a table.')
param threadContainerName string

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: sku }
  kind: 'StorageV2'
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: isPrivate ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobService
  name: packageContainerName
}

resource threadContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobService
  name: threadContainerName
}

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' = [
  for tableName in tableNames: {
    parent: tableService
    name: tableName
  }
]

@description('The resource id, for the private endpoints.')
output id string = account.id

@description('TABLES_ENDPOINT of the app.')
output tablesEndpoint string = account.properties.primaryEndpoints.table

@description('BLOBS_ENDPOINT of the app.')
output blobsEndpoint string = account.properties.primaryEndpoints.blob
