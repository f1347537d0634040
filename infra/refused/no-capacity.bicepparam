using '../main.bicep'

// refused: BCP328
param environmentName = 'refused'
param location = 'swedencentral'
param weak = { name: 'weak', model: 'gpt-5.6-luna', version: '2026-07-09', capacity: 0 }
