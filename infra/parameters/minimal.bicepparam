using '../main.bicep'

// The smallest deployment: it starts cold, and costs nothing without calls.
param environmentName = 'minimal'
param location = 'swedencentral'
param scale = { alwaysReady: 0 }
