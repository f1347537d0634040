using '../main.bicep'

// The default deployment with a front door, and a developer who also runs the router locally.
param environmentName = 'front-door'
param location = 'swedencentral'
param principalId = '11111111-1111-1111-1111-111111111111'
param apiManagement = { publisherEmail: 'platform@example.com' }
// The front door's key and its hash. These zeros admit no caller; docs/deploy.md shows how to generate both.
param frontDoorKey = readEnvironmentVariable('FRONT_DOOR_KEY', '')
param apiKeys = readEnvironmentVariable(
  'ROUTER_API_KEYS',
  'front-door=0000000000000000000000000000000000000000000000000000000000000000'
)
