using 'main.bicep'

// These parameters come from the environment of azd or of a pipeline. For others, write a parameter file like those in parameters/.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'smart-router')
param location = readEnvironmentVariable('AZURE_LOCATION', 'swedencentral')
param principalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param principalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')
param scorer = readEnvironmentVariable('ROUTER_SCORER', 'routellm')
param apiKeys = readEnvironmentVariable('ROUTER_API_KEYS', '')
param deploymentSku = readEnvironmentVariable('DEPLOYMENT_SKU', 'GlobalStandard')
param strong = {
  name: 'strong'
  model: readEnvironmentVariable('STRONG_MODEL', 'gpt-5.6-sol')
  version: readEnvironmentVariable('STRONG_MODEL_VERSION', '2026-07-09')
  capacity: int(readEnvironmentVariable('STRONG_CAPACITY', '50'))
}
param weak = {
  name: 'weak'
  model: readEnvironmentVariable('WEAK_MODEL', 'gpt-5.6-luna')
  version: readEnvironmentVariable('WEAK_MODEL_VERSION', '2026-07-09')
  capacity: int(readEnvironmentVariable('WEAK_CAPACITY', '100'))
}
param embedding = {
  name: 'embedding'
  model: readEnvironmentVariable('EMBEDDING_MODEL', 'text-embedding-3-small')
  version: readEnvironmentVariable('EMBEDDING_MODEL_VERSION', '1')
  capacity: int(readEnvironmentVariable('EMBEDDING_CAPACITY', '100'))
}
param weakElsewhere = readEnvironmentVariable('WEAK_ENDPOINT', '') == ''
  ? null
  : {
      endpoint: readEnvironmentVariable('WEAK_ENDPOINT', '')
      deployment: readEnvironmentVariable('WEAK_MODEL', '')
      apiStyle: readEnvironmentVariable('WEAK_API_STYLE', 'openai')
      hasKey: readEnvironmentVariable('WEAK_HAS_KEY', 'true') == 'true'
    }
param weakApiKey = readEnvironmentVariable('WEAK_API_KEY', '')
param routerSettings = {
  ROUTER_STRONG_SHARE: readEnvironmentVariable('ROUTER_STRONG_SHARE', '')
  ROUTER_THRESHOLD: readEnvironmentVariable('ROUTER_THRESHOLD', '')
}
param alerts = readEnvironmentVariable('ALERT_EMAILS', '') == ''
  ? null
  : { emails: split(readEnvironmentVariable('ALERT_EMAILS', ''), ',') }
param apiManagement = readEnvironmentVariable('USE_API_MANAGEMENT', 'false') != 'true'
  ? null
  : {
      publisherEmail: readEnvironmentVariable('PUBLISHER_EMAIL', '')
      sku: readEnvironmentVariable('API_MANAGEMENT_SKU', 'BasicV2')
    }
param frontDoorKey = readEnvironmentVariable('FRONT_DOOR_KEY', '')
param network = readEnvironmentVariable('PRIVATE_NETWORK', 'false') != 'true' ? null : {}
