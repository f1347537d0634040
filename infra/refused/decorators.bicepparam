using '../main.bicep'

// A name that is too long, a capacity of 0, and a setting that does not exist.
// refused: BCP332
// refused: BCP328
// refused: BCP089
param environmentName = 'a-name-of-more-than-thirty-two-characters'
param location = 'swedencentral'
param weak = { name: 'weak', model: 'gpt-5.6-luna', version: '2026-07-09', capacity: 0 }
param routerSettings = { ROUTER_TRESHOLD: '0.2' }
