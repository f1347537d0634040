using '../main.bicep'

// The default deployment behind a front door, and a developer who runs the router locally, too.
param environmentName = 'front-door'
param location = 'swedencentral'
param principalId = '11111111-1111-1111-1111-111111111111'
param apiManagement = { publisherEmail: 'platform@example.com' }
// The front door's key and its hash; with these zeros nobody gets in. docs/deploy.md says how to make them.
param frontDoorKey = readEnvironmentVariable('FRONT_DOOR_KEY', '')
param apiKeys = readEnvironmentVariable(
  'ROUTER_API_KEYS',
  'front-door=0000000000000000000000000000000000000000000000000000000000000000'
)
