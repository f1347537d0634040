import {
  alertsType
  apiManagementType
  modelDeploymentType
  modelElsewhereType
  networkType
  routerSettingsType
  scaleType
} from 'types.bicep'

metadata name = 'Smart Router'
metadata description = 'Everything that the router runs on in Azure: function app, storage, models, telemetry and, if configured, API Management, a private network and a Key Vault.'

targetScope = 'subscription'

@description('Required. The name of this deployment, from which the resource group gets its name.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Required. A region that offers Flex Consumption and has quota for the models.')
@minLength(1)
@metadata({ azd: { type: 'location' } })
param location string

@description('Optional. The object id of a developer who also runs the router locally against these resources, and gets roles on the models and tables.')
param principalId string = ''

@description('Optional. The type of the principal.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param principalType string = 'User'

@description('Optional. The strong model.')
param strong modelDeploymentType = {
  name: 'strong'
  model: 'gpt-5.6-sol'
  version: '2026-07-09'
  capacity: 50
}

@description('Optional. The weak model.')
param weak modelDeploymentType = {
  name: 'weak'
  model: 'gpt-5.6-luna'
  version: '2026-07-09'
  capacity: 100
}

@description('Optional. The embedding model that the scorer was trained on.')
param embedding modelDeploymentType = {
  name: 'embedding'
  model: 'text-embedding-3-small'
  version: '1'
  capacity: 100
}

@description('Optional. Where the models compute.')
@allowed(['GlobalStandard', 'DataZoneStandard', 'Standard'])
param deploymentSku string = 'GlobalStandard'

@description('Optional. A weak model outside the AI account, instead of the one in it.')
param weakElsewhere modelElsewhereType?

@description('Optional. The key of the weak model elsewhere, which is stored in a Key Vault. Empty keeps the stored key.')
@secure()
param weakApiKey string = ''

@description('Optional. The scorer\'s id in the package\'s registry: routellm for RouteLLM\'s published weights, local for the router\'s own scorer.')
@minLength(1)
param scorer string = 'routellm'

@description('Optional. The keys of callers, as name=<sha256 of the key, hex>, comma separated. Without keys, no caller is accepted.')
param apiKeys string = ''

@description('Optional. Whether the keys of the embedding cache are an HMAC with a secret from the Key Vault.')
param hasCacheKeySecret bool = false

@description('Optional. The secret of the cache keys, which is stored in a Key Vault. Empty keeps the stored secret.')
@secure()
param cacheKeySecret string = ''

@description('Optional. Names of Key Vault secrets that registered deployments may use as their keys. You store the secrets yourself.')
param keyVaultSecrets string[] = []

@description('Optional. Other settings of the router.')
param routerSettings routerSettingsType = {}

@description('Optional. The function app\'s instances.')
param scale scaleType = {}

@description('Optional. The storage\'s replication.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_LRS'

@description('Optional. The retention of logs, in days.')
@minValue(30)
@maxValue(730)
param retentionInDays int = 30

@description('Optional. Alert rules; without it there are none.')
param alerts alertsType?

@description('Optional. API Management as a front door; without it, the app is called directly.')
param apiManagement apiManagementType?

@description('Optional. The front door\'s own key to the router, of at least 32 characters; apiKeys must have front-door=<sha256 of the key, hex>. Required with API Management.')
@secure()
param frontDoorKey string = ''

@description('Optional. A private network; without it, signed-in callers reach the services over the internet.')
param network networkType?

@description('Optional. The tags of every resource.')
param tags object = {}

var token = uniqueString(subscription().id, environmentName, location)
var allTags = union(tags, { 'azd-env-name': environmentName })
var names = {
  identity: 'id-${token}'
  storage: 'st${token}'
  workspace: 'log-${token}'
  insights: 'appi-${token}'
  ai: 'ai-${token}'
  keyVault: 'kv-${token}'
  plan: 'plan-${token}'
  app: 'func-${token}'
  apiManagement: 'apim-${token}'
  network: 'vnet-${token}'
  packageContainer: 'app-package'
  decisionTable: 'decisions'
  embeddingTable: 'embeddings'
  registryTable: 'registry'
  spendingTable: 'spending'
  threadTable: 'threads'
  threadContainer: 'threads'
  vectorStoreTable: 'vectorstores'
}
var hasApiManagement = apiManagement != null
var isPrivate = network != null
var isAppPublic = network.?isAppPublic ?? true
var hasWeakApiKey = weakElsewhere != null && (weakElsewhere.?hasKey ?? true)
var hasKeyVault = hasWeakApiKey || hasCacheKeySecret || !empty(keyVaultSecrets)
var threshold = routerSettings.?ROUTER_THRESHOLD ?? ''
var strongShare = routerSettings.?ROUTER_STRONG_SHARE ?? ''
var calibrationSetting = routerSettings.?ROUTER_CALIBRATION ?? ''
var calibration = contains(['auto', 'shipped'], calibrationSetting) ? '' : calibrationSetting
var hasOwnTarget = !empty(threshold) || !empty(strongShare) || !empty(calibration)
var modelDeployments = weakElsewhere == null ? [strong, weak, embedding] : [strong, embedding]
var hasOtherModels = !empty(filter(modelDeployments, one => (one.?format ?? 'OpenAI') != 'OpenAI'))
var isPublished = startsWith(scorer, 'routellm')

var strangeUseCases = filter(
  apiManagement.?useCases ?? [],
  name => empty(name) || contains(name, ',') || contains(name, ' ') || contains(name, '"') || contains(name, '\\')
)
// Rules that no decorator can express. The resource group's name depends on them, so that nothing is created before they hold.
var objections = [
  {
    when: hasApiManagement && !contains(apiManagement.?publisherEmail ?? '', '@')
    say: 'apiManagement.publisherEmail must be an e-mail address: API Management writes there.'
  }
  {
    when: hasApiManagement && isPrivate && (apiManagement.?sku ?? 'BasicV2') == 'BasicV2'
    say: 'API Management of the SKU BasicV2 cannot join a virtual network: choose StandardV2, or remove the private network.'
  }
  {
    when: hasApiManagement && network.?existing != null && network.?existing.?apiManagementSubnetId == null
    say: 'API Management in a private network needs network.existing.apiManagementSubnetId.'
  }
  {
    when: hasApiManagement && !contains(apiKeys, 'front-door=')
    say: 'API Management needs a key to the router: give frontDoorKey, and apiKeys with front-door=<its sha256, hex>.'
  }
  {
    when: !empty(strangeUseCases)
    say: 'apiManagement.useCases must be names without commas, blanks, quotes and backslashes.'
  }
  {
    when: !empty(threshold) && !empty(strongShare)
    say: 'ROUTER_THRESHOLD and ROUTER_STRONG_SHARE contradict each other: set one of them.'
  }
  {
    when: isPublished && !empty(strongShare) && empty(calibration)
    say: 'ROUTER_STRONG_SHARE needs a calibration, which the published weights do not have yet: set ROUTER_THRESHOLD, or calibrate and set ROUTER_CALIBRATION.'
  }
  {
    when: weakElsewhere == null && strong.name == weak.name
    say: 'strong.name and weak.name must differ: with one deployment there is nothing to route.'
  }
]
var problems = map(filter(objections, one => one.when), one => one.say)

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: empty(problems) ? 'rg-${environmentName}' : fail(join(problems, ' '))
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { name: names.identity, location: location, tags: allTags }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: names.workspace
    insightsName: names.insights
    location: location
    tags: allTags
    retentionInDays: retentionInDays
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: { location: location, tags: allTags, insightsName: names.insights }
  dependsOn: [monitoring]
}

module alertRules 'modules/alerts.bicep' = if (alerts != null) {
  scope: group
  params: {
    location: location
    tags: allTags
    insightsName: names.insights
    nameSuffix: token
    alerts: alerts!
  }
  dependsOn: [monitoring]
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: names.storage
    location: location
    tags: allTags
    sku: storageSku
    tableNames: [
      names.decisionTable
      names.embeddingTable
      names.registryTable
      names.spendingTable
      names.threadTable
      names.vectorStoreTable
    ]
    packageContainerName: names.packageContainer
    threadContainerName: names.threadContainer
    isPrivate: isPrivate
  }
}

module ai 'modules/ai.bicep' = {
  scope: group
  params: {
    name: names.ai
    location: location
    tags: allTags
    modelDeployments: modelDeployments
    deploymentSku: deploymentSku
    isPrivate: isPrivate
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/key-vault.bicep' = if (hasKeyVault) {
  scope: group
  params: {
    name: names.keyVault
    location: location
    tags: allTags
    isPrivate: isPrivate
    weakApiKey: weakApiKey
    cacheKeySecret: cacheKeySecret
  }
}

module ownNetwork 'modules/network.bicep' = if (isPrivate && network.?existing == null) {
  scope: group
  params: {
    name: names.network
    location: location
    tags: allTags
    addressPrefix: network.?addressPrefix ?? '10.60.0.0/24'
  }
}

// Created before the app, because its host reads storage when it starts.
module roles 'modules/roles.bicep' = {
  scope: group
  params: {
    principals: concat(
      [{ kind: 'app', id: identity.outputs.principalId, type: 'ServicePrincipal' }],
      empty(principalId) ? [] : [{ kind: 'developer', id: principalId, type: principalType }]
    )
    storageName: names.storage
    aiName: names.ai
    insightsName: names.insights
    hasKeyVault: hasKeyVault
    keyVaultName: names.keyVault
    hasOtherModels: hasOtherModels
  }
  dependsOn: [storage, ai, keyVault]
}

// Created before the app, which reads its secrets and its storage when it starts.
module serviceEndpoints 'modules/private-endpoints.bicep' = if (isPrivate) {
  scope: group
  params: {
    location: location
    tags: allTags
    networkId: network.?existing.?networkId ?? ownNetwork!.outputs.networkId
    subnetId: network.?existing.?endpointSubnetId ?? ownNetwork!.outputs.endpointSubnetId
    createDnsZones: network.?createDnsZones ?? true
    targets: concat(
      [
        { name: 'blob-${token}', resourceId: storage.outputs.id, group: 'blob' }
        { name: 'table-${token}', resourceId: storage.outputs.id, group: 'table' }
        { name: 'ai-${token}', resourceId: ai.outputs.id, group: 'account' }
      ],
      hasKeyVault ? [{ name: 'vault-${token}', resourceId: keyVault!.outputs.id, group: 'vault' }] : []
    )
  }
}

module app 'modules/function-app.bicep' = {
  scope: group
  params: {
    name: names.app
    planName: names.plan
    location: location
    tags: allTags
    identityName: names.identity
    storageName: names.storage
    packageContainerName: names.packageContainer
    insightsName: names.insights
    scale: scale
    subnetId: isPrivate ? (network.?existing.?appSubnetId ?? ownNetwork!.outputs.appSubnetId) : ''
    isPublic: isAppPublic
    deploymentSettings: {
      AZURE_OPENAI_ENDPOINT: ai.outputs.endpoint
      BLOBS_ENDPOINT: storage.outputs.blobsEndpoint
      DECISIONS_TABLE: names.decisionTable
      EMBEDDING_CACHE_TABLE: names.embeddingTable
      EMBEDDING_DEPLOYMENT: embedding.name
      EMBEDDING_MODEL: embedding.model
      REGISTRY_TABLE: names.registryTable
      ROUTER_API_KEYS: apiKeys
      ROUTER_KEY_VAULT_SECRETS: join(keyVaultSecrets, ',')
      ROUTER_SCORER: scorer
      // RouteLLM's own figure for half of the calls. Imported weights have no calibration yet.
      ROUTER_THRESHOLD: isPublished && !hasOwnTarget ? '0.11593' : ''
      SPENDING_TABLE: names.spendingTable
      STRONG_DEPLOYMENT: strong.name
      STRONG_MODEL: strong.model
      // The pair that the weights were trained for stands in until the router is calibrated.
      STRONG_SCORER_MODEL: 'gpt-4-1106-preview'
      TABLES_ENDPOINT: storage.outputs.tablesEndpoint
      THREADS_CONTAINER: names.threadContainer
      THREADS_TABLE: names.threadTable
      VECTOR_STORES_TABLE: names.vectorStoreTable
      WEAK_API_STYLE: weakElsewhere == null ? '' : (weakElsewhere.?apiStyle ?? 'openai')
      WEAK_DEPLOYMENT: weakElsewhere.?deployment ?? weak.name
      WEAK_ENDPOINT: weakElsewhere.?endpoint ?? ''
      WEAK_MODEL: weakElsewhere == null ? weak.model : (weakElsewhere.?model ?? weakElsewhere!.deployment)
      WEAK_SCORER_MODEL: 'mixtral-8x7b-instruct-v0.1'
    }
    routerSettings: routerSettings
    keyVaultUri: hasKeyVault ? 'https://${names.keyVault}${environment().suffixes.keyvaultDns}/' : ''
    hasWeakApiKey: hasWeakApiKey
    hasCacheKeySecret: hasCacheKeySecret
  }
  dependsOn: [roles, serviceEndpoints]
}

module appEndpoint 'modules/private-endpoints.bicep' = if (isPrivate && !isAppPublic) {
  scope: group
  params: {
    location: location
    tags: allTags
    networkId: network.?existing.?networkId ?? ownNetwork!.outputs.networkId
    subnetId: network.?existing.?endpointSubnetId ?? ownNetwork!.outputs.endpointSubnetId
    createDnsZones: network.?createDnsZones ?? true
    targets: [{ name: 'app-${token}', resourceId: app.outputs.id, group: 'sites' }]
  }
}

module frontDoor 'modules/api-management.bicep' = if (hasApiManagement) {
  scope: group
  params: {
    name: names.apiManagement
    location: location
    tags: allTags
    options: apiManagement!
    key: frontDoorKey
    functionAppName: names.app
    insightsName: names.insights
    workspaceId: monitoring.outputs.workspaceId
    isInNetwork: isPrivate
    subnetId: isPrivate ? (network.?existing.?apiManagementSubnetId ?? ownNetwork!.outputs.apiManagementSubnetId) : ''
  }
  dependsOn: [app]
}

module frontDoorRoles 'modules/roles.bicep' = if (hasApiManagement) {
  scope: group
  params: {
    principals: [
      { kind: 'apiManagement', id: frontDoor!.outputs.principalId, type: 'ServicePrincipal' }
    ]
    storageName: names.storage
    aiName: names.ai
    insightsName: names.insights
    hasKeyVault: hasKeyVault
    keyVaultName: names.keyVault
    hasOtherModels: hasOtherModels
  }
}

@description('The name of the resource group.')
output AZURE_RESOURCE_GROUP string = group.name

@description('The name of the function app.')
output AZURE_FUNCTION_NAME string = names.app

@description('The router\'s own address.')
output ROUTER_URL string = app.outputs.url

@description('The front door\'s address; empty without API Management.')
output GATEWAY_URL string = frontDoor.?outputs.gatewayUrl ?? ''

@description('The name of the API Management service; empty without one.')
output API_MANAGEMENT_NAME string = hasApiManagement ? names.apiManagement : ''

@description('The name of the Key Vault; empty without one.')
output KEY_VAULT_NAME string = hasKeyVault ? names.keyVault : ''

@description('The endpoint of the models: the setting of this name, also for a local router.')
output AZURE_OPENAI_ENDPOINT string = ai.outputs.endpoint

@description('The strong deployment: the setting of this name.')
output STRONG_DEPLOYMENT string = strong.name

@description('The weak deployment: the setting of this name.')
output WEAK_DEPLOYMENT string = weakElsewhere.?deployment ?? weak.name

@description('The embedding deployment: the setting of this name.')
output EMBEDDING_DEPLOYMENT string = embedding.name

@description('The endpoint of the tables: the setting of this name.')
output TABLES_ENDPOINT string = storage.outputs.tablesEndpoint

@description('The table of the embedding cache: the setting of this name.')
output EMBEDDING_CACHE_TABLE string = names.embeddingTable
