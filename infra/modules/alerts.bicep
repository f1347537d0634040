import { alertsType } from '../types.bicep'

metadata name = 'Alerts'
metadata description = 'Rules that tell when the router fails, falls back, spends or routes otherwise than it should.'

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

@description('Required. The name of Application Insights.')
param insightsName string

@description('Required. The suffix of the rules\' names.')
param nameSuffix string

@description('Required. The recipients and the thresholds.')
param alerts alertsType

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// Shares need at least ten requests, because one of two would be a half.
var rules = concat(
  [
    {
      name: 'errors'
      say: 'More than ${alerts.?errorPercent ?? 5}% of the requests were answered with a server error.'
      severity: 1
      every: 'PT5M'
      window: 'PT15M'
      threshold: alerts.?errorPercent ?? 5
      query: '''
        customMetrics
        | where name == 'http.server.request.duration'
        | extend status = toint(customDimensions['http.response.status_code'])
        | summarize failed = sumif(valueCount, status >= 500), requests = sum(valueCount)
        | where requests >= 10
        | project value = 100.0 * failed / requests'''
    }
    {
      name: 'fallbacks'
      say: 'More than ${alerts.?fallbackPercent ?? 10}% of the requests were answered by another deployment than the chosen one.'
      severity: 2
      every: 'PT5M'
      window: 'PT15M'
      threshold: alerts.?fallbackPercent ?? 10
      query: '''
        customMetrics
        | where name == 'smart_router.decision'
        | summarize fallbacks = sumif(valueSum, tostring(customDimensions['smart_router.reason']) == 'fallback'), decisions = sum(valueSum)
        | where decisions >= 10
        | project value = 100.0 * fallbacks / decisions'''
    }
    {
      name: 'unscored'
      say: 'More than ${alerts.?unscoredPercent ?? 10}% of the prompts could not be embedded or scored.'
      severity: 2
      every: 'PT5M'
      window: 'PT15M'
      threshold: alerts.?unscoredPercent ?? 10
      query: '''
        customMetrics
        | where name == 'smart_router.decision'
        | extend reason = tostring(customDimensions['smart_router.reason'])
        | summarize unscored = sumif(valueSum, reason in ('embedding-unavailable', 'scorer-unavailable')), decisions = sum(valueSum)
        | where decisions >= 10
        | project value = 100.0 * unscored / decisions'''
    }
    {
      name: 'slow'
      say: 'The router itself took more than ${alerts.?overheadMs ?? 250} ms per request on average.'
      severity: 3
      every: 'PT15M'
      window: 'PT1H'
      threshold: alerts.?overheadMs ?? 250
      query: '''
        customMetrics
        | where name == 'smart_router.overhead.duration'
        | summarize seconds = sum(valueSum), requests = sum(valueCount)
        | where requests >= 10
        | project value = 1000.0 * seconds / requests'''
    }
    {
      name: 'drift'
      say: 'Prompts no longer resemble those of the calibration: the strong share differs from the promised one.'
      severity: 3
      every: 'PT1H'
      window: 'PT2H'
      threshold: 0
      query: '''
        traces
        | where message has 'prompts-drifted'
        | summarize value = todouble(count())'''
    }
  ],
  alerts.?dailyCost == null
    ? []
    : [
        {
          name: 'cost'
          say: 'The answers of a day cost more than ${alerts.?dailyCost} USD.'
          severity: 2
          every: 'PT1H'
          window: 'P1D'
          threshold: alerts.?dailyCost
          query: '''
            customMetrics
            | where name == 'smart_router.cost'
            | summarize value = sum(valueSum)'''
        }
      ]
)

resource mailing 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(alerts.?emails ?? [])) {
  name: 'ag-${nameSuffix}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'smartrouter'
    emailReceivers: [
      for (address, index) in alerts.?emails ?? []: {
        name: 'email-${index}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queryRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: 'alert-${rule.name}-${nameSuffix}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Smart Router: ${rule.name}'
      description: rule.say
      severity: rule.severity
      enabled: true
      scopes: [insights.id]
      evaluationFrequency: rule.every
      windowSize: rule.window
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Maximum'
            metricMeasureColumn: 'value'
            operator: 'GreaterThan'
            threshold: rule.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: empty(alerts.?emails ?? []) ? null : { actionGroups: [mailing.id] }
    }
  }
]
