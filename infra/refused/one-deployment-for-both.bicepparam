using '../main.bicep'

// refused: strong.name and weak.name must differ
param environmentName = 'refused'
param location = 'swedencentral'
param weak = { name: 'strong', model: 'gpt-5.6-luna', version: '2026-07-09', capacity: 10 }
