using '../main.bicep'

// A weak model at a server that speaks OpenAI's API. Its key goes into a Key Vault.
param environmentName = 'elsewhere'
param location = 'swedencentral'
param weakElsewhere = {
  endpoint: 'https://models.example.com/v1'
  deployment: 'mistral-small-2503'
}
param weakApiKey = readEnvironmentVariable('WEAK_API_KEY', '')
param apiKeys = 'app=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
