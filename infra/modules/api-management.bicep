import { apiManagementType } from '../types.bicep'

metadata name = 'API Management'
metadata description = 'The front door: keys, limits, use cases and token metrics before the router. Its APIs come from the OpenAPI document.'

@description('Required. The name of the service and of the gateway\'s host.')
@minLength(1)
@maxLength(50)
param name string

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

@description('Required. The settings of API Management.')
param options apiManagementType

@description('Required. The function app\'s name.')
param functionAppName string

@description('Required. The name of Application Insights.')
param insightsName string

@description('Required. The workspace for the gateway\'s logs.')
param workspaceId string

@description('Required. The front door\'s own key to the router, whose SHA-256 the router has as front-door.')
@secure()
@minLength(32)
param key string

@description('Required. Whether it calls from a subnet, which BasicV2 does not support.')
param isInNetwork bool

@description('Required. The subnet from which it calls.')
param subnetId string

// The document's own servers mean nothing to a gateway.
var document = toObject(
  filter(items(loadJsonContent('../../docs/openapi.json')), part => part.key != 'servers'),
  part => part.key,
  part => part.value
)
var keyless = '/health'
var namedValues = {
  'calls-per-minute': string(options.?callsPerMinute ?? 600)
  'tokens-per-minute': string(options.?tokensPerMinute ?? 100000)
  'use-cases': toLower(join(options.?useCases ?? ['*'], ','))
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionAppName
}

resource gateway 'Microsoft.ApiManagement/service@2024-05-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: options.?sku ?? 'BasicV2'
    capacity: options.?capacity ?? 1
  }
  identity: { type: 'SystemAssigned' }
  properties: {
    publisherEmail: options.publisherEmail
    publisherName: options.?publisherName ?? 'Smart Router'
    // External: the internet reaches it, and it calls from the subnet.
    virtualNetworkType: isInNetwork ? 'External' : 'None'
    virtualNetworkConfiguration: isInNetwork ? { subnetResourceId: subnetId } : null
  }
}

resource routerKey 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = {
  parent: gateway
  name: 'router-key'
  properties: { displayName: 'router-key', secret: true, value: key }
}

resource values 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = [
  for value in items(namedValues): {
    parent: gateway
    name: value.key
    properties: { displayName: value.key, value: value.value }
  }
]

resource backend 'Microsoft.ApiManagement/service/backends@2024-05-01' = {
  parent: gateway
  name: 'smart-router'
  properties: {
    protocol: 'http'
    url: 'https://${app.properties.defaultHostName}'
    tls: { validateCertificateChain: true, validateCertificateName: true }
  }
}

// This version has `bearer`, which lets OpenAI's own clients send their key in their usual way.
resource llm 'Microsoft.ApiManagement/service/apis@2024-06-01-preview' = {
  parent: gateway
  name: 'llm'
  properties: {
    displayName: 'Smart Router'
    path: ''
    protocols: ['https']
    serviceUrl: backend.properties.url
    subscriptionRequired: true
    subscriptionKeyParameterNames: {
      header: 'api-key'
      query: 'subscription-key'
      ...any({ bearer: 'enabled' })
    }
    format: 'openapi+json'
    value: string({
      ...document
      paths: toObject(filter(items(document.paths), path => path.key != keyless), path => path.key, path => path.value)
    })
  }
}

resource health 'Microsoft.ApiManagement/service/apis@2024-06-01-preview' = {
  parent: gateway
  name: 'health'
  properties: {
    displayName: 'Smart Router: health'
    path: 'health'
    protocols: ['https']
    serviceUrl: backend.properties.url
    subscriptionRequired: false
    format: 'openapi+json'
    value: string({ ...document, paths: { '/': document.paths[keyless] } })
  }
  // Concurrent imports are refused.
  dependsOn: [llm]
}

resource llmPolicy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: llm
  name: 'policy'
  properties: { format: 'xml', value: loadTextContent('../policies/llm.xml') }
  dependsOn: [routerKey, values]
}

resource healthPolicy 'Microsoft.ApiManagement/service/apis/policies@2024-05-01' = {
  parent: health
  name: 'policy'
  properties: { format: 'xml', value: loadTextContent('../policies/health.xml') }
}

resource subscriptions 'Microsoft.ApiManagement/service/subscriptions@2024-05-01' = [
  for subscriptionName in ['default', 'smoke-test']: {
    parent: gateway
    name: subscriptionName
    properties: { displayName: subscriptionName, scope: llm.id, state: 'active' }
  }
]

resource logger 'Microsoft.ApiManagement/service/loggers@2024-05-01' = {
  parent: gateway
  name: 'insights'
  properties: {
    loggerType: 'applicationInsights'
    resourceId: insights.id
    credentials: {
      connectionString: insights.properties.ConnectionString
      identityClientId: 'SystemAssigned'
    }
  }
}

resource telemetry 'Microsoft.ApiManagement/service/diagnostics@2024-05-01' = {
  parent: gateway
  name: 'applicationinsights'
  properties: {
    loggerId: logger.id
    alwaysLog: 'allErrors'
    logClientIp: false
    metrics: true
    httpCorrelationProtocol: 'W3C'
    sampling: { samplingType: 'fixed', percentage: 10 }
    // Bodies are not logged: they are prompts and answers, and logging them would delay streams.
    frontend: { request: { body: { bytes: 0 } }, response: { body: { bytes: 0 } } }
    backend: { request: { body: { bytes: 0 } }, response: { body: { bytes: 0 } } }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: gateway
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [{ category: 'GatewayLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('The principal\'s id, for its roles.')
output principalId string = gateway.identity.principalId

@description('The address that callers use.')
output gatewayUrl string = gateway.properties.gatewayUrl
