metadata name = 'Identity'
metadata description = 'What the function app signs in as. It exists before the app, and so do its roles.'

@description('Required. The name.')
param name string

@description('Required. The region.')
param location string

@description('Required. The tags of every resource.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('The principal\'s id, for the roles.')
output principalId string = identity.properties.principalId
