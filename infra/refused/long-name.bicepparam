using '../main.bicep'

// refused: BCP332
param environmentName = 'a-name-of-more-than-thirty-two-characters'
param location = 'swedencentral'
