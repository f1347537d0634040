using '../main.bicep'

// refused: BCP089
param environmentName = 'refused'
param location = 'swedencentral'
param routerSettings = { ROUTER_TRESHOLD: '0.2' }
