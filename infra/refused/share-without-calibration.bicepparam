using '../main.bicep'

// refused: ROUTER_STRONG_SHARE needs a calibration
param environmentName = 'refused'
param location = 'swedencentral'
param routerSettings = { ROUTER_STRONG_SHARE: '0.3' }
