using '../main.bicep'

// The default deployment behind a front door, and a developer who runs the router locally, too.
param environmentName = 'front-door'
param location = 'swedencentral'
param principalId = '11111111-1111-1111-1111-111111111111'
param apiManagement = { publisherEmail: 'platform@example.com' }
