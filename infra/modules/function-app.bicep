import { scaleType, routerSettingsType } from '../types.bicep'

metadata name = 'Function app'
metadata description = 'The router on Flex Consumption, and its settings: those of docs/settings.md and the platform\'s.'

@description('Required. The name of the app and of its host.')
@minLength(2)
@maxLength(60)
param name string

@description('Required. The plan\'s name.')
param planName string

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

@description('Required. The name of the app\'s identity.')
param identityName string

@description('Required. The storage account\'s name.')
param storageName string

@description('Required. The container of the app\'s package.')
param packageContainerName string

@description('Required. The name of Application Insights.')
param insightsName string

@description('Required. The instances.')
param scale scaleType

@description('Required. The subnet from which the app calls; empty for none.')
param subnetId string

@description('Required. Whether the app can be called from the internet.')
param isPublic bool

@description('Required. The settings of the router that the deployment itself determines.')
param deploymentSettings {
  AZURE_OPENAI_ENDPOINT: string
  BLOBS_ENDPOINT: string
  DECISIONS_TABLE: string
  EMBEDDING_CACHE_TABLE: string
  EMBEDDING_DEPLOYMENT: string
  EMBEDDING_MODEL: string
  REGISTRY_TABLE: string
  ROUTER_API_KEYS: string
  ROUTER_KEY_VAULT_SECRETS: string
  ROUTER_SCORER: string
  ROUTER_THRESHOLD: string
  SPENDING_TABLE: string
  STRONG_DEPLOYMENT: string
  STRONG_MODEL: string
  STRONG_SCORER_MODEL: string
  TABLES_ENDPOINT: string
  THREADS_CONTAINER: string
  THREADS_TABLE: string
  VECTOR_STORES_TABLE: string
  WEAK_API_STYLE: string
  WEAK_DEPLOYMENT: string
  WEAK_ENDPOINT: string
  WEAK_MODEL: string
  WEAK_SCORER_MODEL: string
}

@description('Required. The operator\'s settings, which override the deployment\'s.')
param routerSettings routerSettingsType

@description('Required. The Key Vault\'s address; empty for none.')
param keyVaultUri string

@description('Required. Whether the vault has the weak model\'s key.')
param hasWeakApiKey bool

@description('Required. Whether the vault has a secret for the cache\'s keys.')
param hasCacheKeySecret bool

// Every setting that the router reads is listed, even without a value, so that the portal shows its
// name. An empty setting counts as absent.
var unset = {
  AI_SEARCH_ENDPOINT: ''
  AI_SEARCH_INDEX_PREFIX: ''
  AZURE_OPENAI_API_STYLE: ''
  AZURE_OPENAI_API_VERSION: ''
  BODY_TIMEOUT_MS: ''
  CIRCUIT_FAILURES: ''
  CIRCUIT_OPEN_MS: ''
  DECISION_LOG: ''
  DECISION_RETENTION_DAYS: ''
  EMBEDDING_API_STYLE: ''
  EMBEDDING_CACHE_ENTRIES: ''
  EMBEDDING_CACHE_TIMEOUT_MS: ''
  EMBEDDING_ENDPOINT: ''
  EMBEDDING_TIMEOUT_MS: ''
  ENTRA_ADMIN_ROLE: ''
  ENTRA_AUDIENCE: ''
  ENTRA_AUTHORITY: ''
  ENTRA_FRONT_DOOR: ''
  ENTRA_ROLES: ''
  ENTRA_TENANT_ID: ''
  FIRST_BYTE_TIMEOUT_MS: ''
  FRONT_DOOR: ''
  JUDGE_DEPLOYMENT: ''
  LOG_CONTENT: ''
  LOG_LEVEL: ''
  MAX_ANSWER_BYTES: ''
  MAX_ATTEMPTS: ''
  MAX_BODY_BYTES: ''
  MAX_BODY_BYTES_IN_FLIGHT: ''
  MAX_BODY_DEPTH: ''
  MAX_BODY_VALUES: ''
  MAX_CONCURRENT_CALLS: ''
  MAX_HEADER_BYTES: ''
  MAX_IN_FLIGHT: ''
  MAX_IN_FLIGHT_PER_CALLER: ''
  MAX_QUEUED_CALLS: ''
  MAX_STORAGE_CALLS: ''
  MODELS_FOLDER: ''
  OTEL_BSP_SCHEDULE_DELAY: ''
  OTEL_EXPORTER_OTLP_ENDPOINT: ''
  OTEL_EXPORTER_OTLP_HEADERS: ''
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: ''
  OTEL_EXPORTER_OTLP_PROTOCOL: ''
  OTEL_METRIC_EXPORT_INTERVAL: ''
  OTEL_SDK_DISABLED: ''
  OTEL_TRACES_SAMPLER: ''
  OTEL_TRACES_SAMPLER_ARG: ''
  PURGE_SCHEDULE: ''
  REGISTRY_REFRESH_MS: ''
  REGISTRY_RETENTION_DAYS: ''
  REGISTRY_UNREAD: ''
  REQUEST_TIMEOUT_MS: ''
  ROUTER_ALLOWED_HOSTS: ''
  ROUTER_CALIBRATION: ''
  ROUTER_EMBEDDING_FAILURE_TIER: ''
  ROUTER_MODES: ''
  ROUTER_CORS_ORIGINS: ''
  ROUTER_RATE_LIMITS: ''
  ROUTER_SESSION_AFFINITY: ''
  ROUTER_STRONG_SHARE: ''
  ROUTER_SWITCH_MARGIN: ''
  SHADOW_DAILY_BUDGET: ''
  SHADOW_SHARE: ''
  STORAGE_TIMEOUT_MS: ''
  STREAM_COMMENT_MS: ''
  STREAM_IDLE_TIMEOUT_MS: ''
  STREAM_OPEN_MS: ''
  STREAM_TIMEOUT_MS: ''
  STRONG_API_STYLE: ''
  STRONG_CAPABILITIES: ''
  STRONG_ENDPOINT: ''
  STRONG_PRICE: ''
  THREAD_TTL_DAYS: ''
  WEAK_CAPABILITIES: ''
  WEAK_PRICE: ''
}
// An empty setting of the operator does not override the deployment's.
var configured = toObject(
  filter(items(any(routerSettings)), one => !empty(one.value)),
  one => one.key,
  one => one.value
)
var secrets = {
  WEAK_API_KEY: hasWeakApiKey ? '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/weak-api-key)' : ''
  CACHE_KEY_SECRET: hasCacheKeySecret ? '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/cache-key-secret)' : ''
}

// Neither is of use without the other.
var vault = {
  ROUTER_KEY_VAULT: empty(deploymentSettings.ROUTER_KEY_VAULT_SECRETS) ? '' : keyVaultUri
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: isPublic ? 'Enabled' : 'Disabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    keyVaultReferenceIdentity: identity.id
    siteConfig: { minTlsVersion: '1.2', http20Enabled: true }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${packageContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: { name: 'node', version: '24' }
      scaleAndConcurrency: {
        instanceMemoryMB: scale.?instanceMemoryMB ?? 2048
        maximumInstanceCount: scale.?maximumInstanceCount ?? 100
        alwaysReady: (scale.?alwaysReady ?? 1) == 0 ? [] : [{ name: 'http', instanceCount: scale.?alwaysReady ?? 1 }]
        triggers: { http: { perInstanceConcurrency: scale.?perInstanceConcurrency ?? 32 } }
      }
    }
  }
}

resource passwordAccess 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = [
  for kind in ['ftp', 'scm']: {
    parent: app
    name: any(kind)
    properties: { allow: false }
  }
]

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(unset, deploymentSettings, vault, configured, secrets, {
    // The host's storage, the telemetry and the libraries sign in as the app's identity.
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identity.properties.clientId
    AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
    AZURE_CLIENT_ID: identity.properties.clientId
    AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential'
    // Without it, a request with more than 16 KB of headers is never answered.
    languageWorkers__node__arguments: '--max-http-header-size=65536'
  })
}

@description('The resource id, for the private endpoint.')
output id string = app.id

@description('The app\'s address.')
output url string = 'https://${app.properties.defaultHostName}'
