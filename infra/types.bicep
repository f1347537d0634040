metadata name = 'Types'
metadata description = 'What the templates take as parameters.'

@export()
@description('One model deployment of the AI account.')
type modelDeploymentType = {
  @description('Required. The deployment\'s name, which the router calls.')
  @minLength(2)
  @maxLength(64)
  name: string

  @description('Required. The model\'s name in the catalogue of Azure AI Foundry.')
  @minLength(1)
  model: string

  @description('Required. The model\'s version.')
  @minLength(1)
  version: string

  @description('Optional. The publisher of the model, such as OpenAI or Mistral AI. Default: OpenAI.')
  format: string?

  @description('Required. The capacity, in thousands of tokens per minute.')
  @minValue(1)
  capacity: int
}

@export()
@description('A model outside the AI account: another Azure resource, a Foundry serverless endpoint, or any server that speaks OpenAI\'s API.')
type modelElsewhereType = {
  @description('Required. The address of an Azure resource, or of another server up to and including /v1.')
  @minLength(12)
  endpoint: string

  @description('Required. The name in requests: that of the deployment, or of the model at a compatible server.')
  @minLength(1)
  deployment: string

  @description('Optional. The model\'s name in selected_model. Default: the deployment.')
  model: string?

  @description('Optional. The style of the API. Default: openai.')
  apiStyle: ('azure' | 'azure-v1' | 'openai')?

  @description('Optional. Whether its key is in the Key Vault as weak-api-key; false if the app\'s identity has a role on the endpoint. Default: true.')
  hasKey: bool?
}

@export()
@description('The function app\'s instances.')
type scaleType = {
  @description('Optional. The memory of an instance, in MB. Default: 2048.')
  instanceMemoryMB: (512 | 2048 | 4096)?

  @description('Optional. The maximum number of instances. Default: 100.')
  @minValue(1)
  @maxValue(1000)
  maximumInstanceCount: int?

  @description('Optional. The number of instances that always run and are billed; with 0, the app starts cold. Default: 1.')
  @minValue(0)
  @maxValue(100)
  alwaysReady: int?

  @description('Optional. The number of concurrent requests per instance. Default: 32.')
  @minValue(1)
  @maxValue(1000)
  perInstanceConcurrency: int?
}

@export()
@description('The front door.')
type apiManagementType = {
  @description('Required. The email address to which API Management writes.')
  @minLength(6)
  @maxLength(100)
  publisherEmail: string

  @description('Optional. The publisher\'s name. Default: Smart Router.')
  @minLength(1)
  @maxLength(100)
  publisherName: string?

  @description('Optional. The tier; StandardV2 can join a virtual network. Default: BasicV2.')
  sku: ('BasicV2' | 'StandardV2')?

  @description('Optional. The number of scale units. Default: 1.')
  @minValue(1)
  @maxValue(10)
  capacity: int?

  @description('Optional. The limit of tokens per minute for each subscription. Default: 100000.')
  @minValue(1)
  tokensPerMinute: int?

  @description('Optional. The limit of calls per minute for each subscription. Default: 600.')
  @minValue(1)
  callsPerMinute: int?

  @description('Optional. The accepted values of X-USE_CASE, in lower case; ["*"] accepts any. Default: ["*"].')
  @minLength(1)
  useCases: string[]?
}

@export()
@description('A virtual network for the app and the services that it calls.')
type networkType = {
  @description('Optional. The address range of the new network, /24 or larger. Default: 10.60.0.0/24.')
  addressPrefix: string?

  @description('Optional. Your own subnets instead of a new network.')
  existing: {
    @description('Required. The subnet of the app, delegated to Microsoft.App/environments, /27 or larger.')
    appSubnetId: string

    @description('Required. The subnet of the private endpoints.')
    endpointSubnetId: string

    @description('Optional. The subnet of API Management, delegated to Microsoft.Web/serverFarms; required with API Management.')
    apiManagementSubnetId: string?

    @description('Required. The network of the subnets, to which the private DNS zones are linked.')
    networkId: string
  }?

  @description('Optional. False if a policy of yours registers the private endpoints in central DNS zones. Default: true.')
  createDnsZones: bool?

  @description('Optional. False closes the app to the internet: you can then deploy and call it only from within the network. Default: true.')
  isAppPublic: bool?
}

@export()
@sealed()
@description('Settings of the router beyond those that the templates set, by their names in docs/settings.md.')
type routerSettingsType = {
  AZURE_OPENAI_API_STYLE: string?
  AZURE_OPENAI_API_VERSION: string?
  BODY_TIMEOUT_MS: string?
  AI_SEARCH_ENDPOINT: string?
  AI_SEARCH_INDEX_PREFIX: string?
  CIRCUIT_FAILURES: string?
  CIRCUIT_OPEN_MS: string?
  DECISION_LOG: string?
  DECISION_RETENTION_DAYS: string?
  EMBEDDING_CACHE_ENTRIES: string?
  EMBEDDING_CACHE_TIMEOUT_MS: string?
  EMBEDDING_TIMEOUT_MS: string?
  ENTRA_ADMIN_ROLE: string?
  ENTRA_AUDIENCE: string?
  ENTRA_AUTHORITY: string?
  ENTRA_FRONT_DOOR: string?
  ENTRA_ROLES: string?
  ENTRA_TENANT_ID: string?
  FIRST_BYTE_TIMEOUT_MS: string?
  JUDGE_DEPLOYMENT: string?
  LOG_CONTENT: string?
  LOG_LEVEL: string?
  MAX_ANSWER_BYTES: string?
  MAX_ATTEMPTS: string?
  MAX_BODY_BYTES: string?
  MAX_BODY_BYTES_IN_FLIGHT: string?
  MAX_BODY_DEPTH: string?
  MAX_BODY_VALUES: string?
  MAX_CONCURRENT_CALLS: string?
  MAX_HEADER_BYTES: string?
  MAX_IN_FLIGHT: string?
  MAX_IN_FLIGHT_PER_CALLER: string?
  MAX_QUEUED_CALLS: string?
  MAX_STORAGE_CALLS: string?
  MODELS_FOLDER: string?
  OTEL_BSP_SCHEDULE_DELAY: string?
  OTEL_EXPORTER_OTLP_ENDPOINT: string?
  OTEL_EXPORTER_OTLP_HEADERS: string?
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: string?
  OTEL_EXPORTER_OTLP_PROTOCOL: string?
  OTEL_METRIC_EXPORT_INTERVAL: string?
  OTEL_SDK_DISABLED: string?
  OTEL_TRACES_SAMPLER: string?
  OTEL_TRACES_SAMPLER_ARG: string?
  PURGE_SCHEDULE: string?
  REGISTRY_REFRESH_MS: string?
  REGISTRY_RETENTION_DAYS: string?
  REGISTRY_UNREAD: string?
  REQUEST_TIMEOUT_MS: string?
  ROUTER_ALLOWED_HOSTS: string?
  ROUTER_CALIBRATION: string?
  ROUTER_EMBEDDING_FAILURE_TIER: string?
  ROUTER_MODES: string?
  ROUTER_CORS_ORIGINS: string?
  ROUTER_RATE_LIMITS: string?
  ROUTER_SESSION_AFFINITY: string?
  ROUTER_STRONG_SHARE: string?
  ROUTER_SWITCH_MARGIN: string?
  SHADOW_DAILY_BUDGET: string?
  SHADOW_SHARE: string?
  ROUTER_THRESHOLD: string?
  STORAGE_TIMEOUT_MS: string?
  STREAM_COMMENT_MS: string?
  STREAM_IDLE_TIMEOUT_MS: string?
  STREAM_OPEN_MS: string?
  STREAM_TIMEOUT_MS: string?
  STRONG_CAPABILITIES: string?
  STRONG_PRICE: string?
  STRONG_SCORER_MODEL: string?
  THREAD_TTL_DAYS: string?
  WEAK_CAPABILITIES: string?
  WEAK_PRICE: string?
  WEAK_SCORER_MODEL: string?
}

@export()
@description('The recipients and the thresholds of alert rules. Without recipients, alerts appear only in the portal.')
type alertsType = {
  @description('The addresses that receive mail.')
  emails: string[]?
  @description('The highest share of answers with a server error, in percent of the requests in a quarter of an hour. Default: 5.')
  @minValue(1)
  @maxValue(100)
  errorPercent: int?
  @description('The highest share of answers by a deployment other than the chosen one, in percent. Default: 10.')
  @minValue(1)
  @maxValue(100)
  fallbackPercent: int?
  @description('The highest share of prompts that could not be embedded or scored, in percent. Default: 10.')
  @minValue(1)
  @maxValue(100)
  unscoredPercent: int?
  @description('The highest mean of the router\'s own time per request over an hour, in ms. Default: 250.')
  @minValue(1)
  overheadMs: int?
  @description('The highest cost of the answers of 24 hours, in USD; without it there is no such rule.')
  @minValue(1)
  dailyCost: int?
}
