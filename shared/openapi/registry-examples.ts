// The examples of the registry in the document. The linter checks them against their schemas.

export const deploymentDefinition = {
  endpoint: 'https://contoso.openai.azure.com',
  deployment: 'gpt-5.6-terra',
  price: { input: 2, output: 12 },
  scorer_model: 'gpt-4o',
  weight: 1,
  tags: ['sweden'],
};

const change = { updated_at: '2026-11-27T09:30:00.000Z', updated_by: 'ops' };

export const deployment = {
  object: 'deployment',
  name: 'middle',
  ...deploymentDefinition,
  source: 'registry',
  version: 3,
  ...change,
  scored_as: {
    model: 'gpt-4o-2024-08-06',
    stand_in: false,
    why: 'scorer_model names it',
  },
};

export const useCaseDefinition = { models: ['weak', 'middle'], mode: 'cost', daily_budget: 5 };

export const useCase = {
  object: 'use_case',
  name: 'support',
  ...useCaseDefinition,
  source: 'registry',
  version: 1,
  ...change,
  spent_today: 1.25,
};

export const patch = { enabled: false };

export const deleted = {
  object: 'deployment.deleted',
  name: 'middle',
  deleted: true,
  version: 4,
};

export const history = {
  object: 'list',
  data: [
    {
      object: 'deployment.version',
      version: 3,
      action: 'update',
      at: '2026-11-27T09:30:00.000Z',
      by: 'ops',
      definition: deploymentDefinition,
      changed: ['price.output'],
    },
  ],
};
