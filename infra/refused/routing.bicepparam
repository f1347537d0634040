using '../main.bicep'

// refused: ROUTER_THRESHOLD and ROUTER_STRONG_SHARE contradict each other
// refused: ROUTER_STRONG_SHARE needs a calibration
// refused: strong.name and weak.name must differ
param environmentName = 'refused'
param location = 'swedencentral'
param routerSettings = { ROUTER_STRONG_SHARE: '0.3', ROUTER_THRESHOLD: '0.2' }
param weak = { name: 'strong', model: 'gpt-5.6-luna', version: '2026-07-09', capacity: 10 }
