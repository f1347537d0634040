import { modelDeploymentType } from '../types.bicep'

metadata name = 'AI account'
metadata description = 'Azure AI Foundry\'s account with the models. Without account keys: everybody signs in.'

@description('Required. The name of the account and of its host.')
@minLength(2)
@maxLength(64)
param name string

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

@description('Required. The model deployments.')
param modelDeployments modelDeploymentType[]

@description('Required. Where the models run: anywhere, in the data zone, or in the region.')
@allowed(['GlobalStandard', 'DataZoneStandard', 'Standard'])
param deploymentSku string

@description('Required. Whether only private endpoints reach it.')
param isPrivate bool

@description('Required. The workspace for the account\'s logs and metrics.')
param workspaceId string

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'AIServices'
  sku: { name: 'S0' }
  identity: { type: 'SystemAssigned' }
  properties: {
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: isPrivate ? 'Deny' : 'Allow' }
  }
}

// One after another, because concurrent deployments in one account fail.
@batchSize(1)
resource deployments 'Microsoft.CognitiveServices/accounts/deployments@2025-06-01' = [
  for deployment in modelDeployments: {
    parent: account
    name: deployment.name
    sku: { name: deploymentSku, capacity: deployment.capacity }
    properties: {
      model: {
        format: deployment.?format ?? 'OpenAI'
        name: deployment.model
        version: deployment.version
      }
      versionUpgradeOption: 'OnceCurrentVersionExpired'
      raiPolicyName: 'Microsoft.DefaultV2'
    }
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: account
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    // Callers and amounts, but no texts.
    logs: [{ category: 'Audit', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('The resource id, for the private endpoint.')
output id string = account.id

@description('AZURE_OPENAI_ENDPOINT of the app.')
output endpoint string = 'https://${account.properties.customSubDomainName}.openai.azure.com'
