import { describe, expect, test } from 'vitest';
import { capabilitiesOf } from '../../../shared/capabilities/known-models.ts';
import { scoreByWish } from '../../../shared/matrix-factorization/stand-in-choice.ts';
import type { DeploymentDefinition } from '../../../shared/registry/definitions.ts';
import { toDefinition, toDeployment } from '../../../shared/registry/to-deployment.ts';

const azure = 'https://contoso.openai.azure.com';
const key = { type: 'app_setting', name: 'UPSTREAM_KEY_A' } as const;

describe('the deployment of a definition', () => {
  test('has the name and the defaults where the definition has no more', () => {
    expect(toDeployment('gpt-4o', { endpoint: `${azure}//` })).toEqual({
      name: 'gpt-4o',
      modelName: 'gpt-4o',
      endpoint: azure,
      apiStyle: 'azure-v1',
      apiVersion: '2024-10-21',
      capabilities: capabilitiesOf('gpt-4o', 'azure-v1'),
    });
  });

  test.each([
    [{ endpoint: `${azure}/openai/v1/` }, azure, 'azure-v1'],
    [{ endpoint: azure, api_version: '2025-01-01-preview' }, azure, 'azure'],
    [{ endpoint: azure, api_style: 'azure' as const }, azure, 'azure'],
    [
      { endpoint: 'https://gateway.example.com', auth: key },
      'https://gateway.example.com',
      'azure',
    ],
  ])('%j is called at %s in the style %s', (definition, endpoint, apiStyle) => {
    expect(toDeployment('a', definition)).toMatchObject({ endpoint, apiStyle });
  });

  test.each([
    [{ endpoint: `${azure}/openai/v1`, api_style: 'azure' as const }, 'set api_style to azure-v1'],
    [{ endpoint: `${azure}/openai/deployments/x/chat/completions` }, 'must end before /openai/dep'],
    [{ endpoint: 'https://gateway.example.com/v1', auth: key }, 'set api_style to openai'],
  ])('%j is refused: %s', (definition, message) => {
    expect(() => toDeployment('a', definition)).toThrow(message);
  });

  test('has the values of the definition', () => {
    const definition: DeploymentDefinition = {
      endpoint: 'https://models.example.com/v1/',
      deployment: 'mistral:7b',
      api_style: 'openai',
      auth: key,
      context_window: 8_000,
      capabilities: {
        images: false,
        tools: true,
        efforts: ['low', 'high'],
        token_limit: 'max_tokens',
      },
    };
    const { capabilities, ...deployment } = toDeployment('small', definition, { apiKey: 'secret' });
    expect(deployment).toMatchObject({
      name: 'small',
      upstreamName: 'mistral:7b',
      modelName: 'mistral:7b',
      endpoint: 'https://models.example.com/v1',
      apiStyle: 'openai',
      apiKey: 'secret',
    });
    expect(capabilities).toMatchObject({
      contextTokens: 8_000,
      tokenLimit: 'max_tokens',
      efforts: ['low', 'high'],
    });
    expect(capabilities.lacks.has('images')).toBe(true);
  });

  test('equals that of the settings for the definition of the settings', () => {
    const deployment = toDeployment(
      'strong',
      { endpoint: azure, model: 'gpt-5.6-sol', auth: key, capabilities: { images: false } },
      { apiKey: 'secret' },
    );
    const price = { input: 4, output: 20 };
    const scoredAs = scoreByWish('big', 'the test');
    const given = toDefinition({ tier: 'strong', deployment, scoredAs, price });
    expect(given).toMatchObject({ auth: { type: 'settings' }, price, scorer_model: 'big' });
    const same = { ofSettings: deployment, apiKey: 'secret' };
    expect(toDeployment('strong', given, same)).toEqual(deployment);
    // The settings know nothing of another model.
    const other = toDeployment('strong', { ...given, model: 'gpt-4o' }, { ofSettings: deployment });
    expect(other.capabilities).toEqual(capabilitiesOf('gpt-4o', 'azure'));
  });

  test('never sends a token of the identity to an address that the settings call without a key', () => {
    const endpoint = 'http://127.0.0.1:11434/v1';
    const ofSettings = toDeployment('weak', { endpoint, api_style: 'openai' });
    const auth = { type: 'settings' } as const;
    expect(toDeployment('weak', { endpoint, api_style: 'openai', auth }, { ofSettings })).toEqual(
      ofSettings,
    );
    expect(() => toDeployment('weak', { endpoint, auth }, { ofSettings })).toThrow(/token/);
  });

  test.each([
    ['a token of the identity to another host', { endpoint: 'https://example.com' }],
    ['a token of the identity over plain http', { endpoint: 'http://x.openai.azure.com' }],
    [
      'a token of the identity to an openai endpoint',
      { endpoint: azure, api_style: 'openai', auth: { type: 'managed_identity' } },
    ],
    ['nothing to Azure', { endpoint: azure, auth: { type: 'none' } }],
  ] as const)('never sends %s', (_, definition) => {
    expect(() => toDeployment('x', definition as DeploymentDefinition)).toThrow(/auth/);
  });
});
