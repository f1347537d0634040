using '../main.bicep'

// A weak model at a server that speaks OpenAI's API. Its key goes into a Key Vault.
param environmentName = 'elsewhere'
param location = 'swedencentral'
param weakElsewhere = {
  endpoint: 'https://models.example.com/v1'
  deployment: 'mistral-small-2503'
}
param weakApiKey = readEnvironmentVariable('WEAK_API_KEY', '')
param apiKeys = readEnvironmentVariable('ROUTER_API_KEYS', '')
