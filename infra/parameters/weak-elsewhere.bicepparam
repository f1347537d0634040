using '../main.bicep'

// A weak model on a server with OpenAI's API. Its key is stored in a Key Vault.
param environmentName = 'elsewhere'
param location = 'swedencentral'
param weakElsewhere = {
  endpoint: 'https://models.example.com/v1'
  deployment: 'mistral-small-2503'
}
param weakApiKey = readEnvironmentVariable('WEAK_API_KEY', '')
param apiKeys = readEnvironmentVariable('ROUTER_API_KEYS', '')
