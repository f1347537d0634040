using '../main.bicep'

// The least that runs: it starts cold, and costs nothing while nobody calls.
param environmentName = 'minimal'
param location = 'swedencentral'
param scale = { alwaysReady: 0 }
