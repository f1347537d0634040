metadata name = 'Workbook'
metadata description = 'What the router decides, costs and saves, by its own metrics.'

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

@description('Required. The name of Application Insights.')
param insightsName string

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(insights.id, 'smart-router')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Smart Router'
    category: 'workbook'
    sourceId: insights.id
    version: 'Notebook/1.0'
    serializedData: string(loadJsonContent('../workbook.json'))
  }
}
