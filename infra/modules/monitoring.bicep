metadata name = 'Monitoring'
metadata description = 'Log Analytics, and Application Insights that takes telemetry from signed-in senders only.'

@description('Required. The workspace\'s name.')
param workspaceName string

@description('Required. The component\'s name.')
param insightsName string

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

@description('Required. The retention of logs, in days.')
@minValue(30)
@maxValue(730)
param retentionInDays int

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionInDays
    features: { disableLocalAuth: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
    // API Management's token metrics have dimensions. The published type lacks this property.
    ...any({ CustomMetricsOptedInType: 'WithDimensions' })
  }
}

@description('The workspace\'s id, for diagnostic settings.')
output workspaceId string = workspace.id
