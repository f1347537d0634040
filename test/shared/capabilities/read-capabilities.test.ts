import { describe, expect, test } from 'vitest';
import { SettingsReader } from '../../../shared/base/settings-reader.ts';
import { UNKNOWN_MODEL } from '../../../shared/capabilities/capabilities.ts';
import { capabilitiesOf } from '../../../shared/capabilities/known-models.ts';
import { readDeployment } from '../../../shared/upstream/read-deployment.ts';

function read(capabilities: string | undefined, model = 'my-model', more = {}) {
  const reader = new SettingsReader({
    AZURE_OPENAI_ENDPOINT: 'https://name.openai.azure.com',
    STRONG_DEPLOYMENT: 'mine',
    STRONG_MODEL: model,
    STRONG_CAPABILITIES: capabilities,
    ...more,
  });
  return { deployment: readDeployment(reader, 'STRONG'), problems: reader.problems };
}

test('a deployment has the capabilities of its model', () => {
  expect(read(undefined, 'gpt-5').deployment?.capabilities).toBe(capabilitiesOf('gpt-5', 'azure'));
  expect(read(undefined).deployment?.capabilities).toBe(UNKNOWN_MODEL);
});

test('a deployment whose own name is that of a model needs no other setting', () => {
  const { deployment } = read(undefined, '', { STRONG_DEPLOYMENT: 'gpt-4o-mini' });
  expect(deployment?.capabilities.contextTokens).toBe(128_000);
});

describe('the setting', () => {
  test.each([
    ['context=128000', { contextTokens: 128_000 }],
    ['input=1,output=20', { inputTokens: 1, outputTokens: 20 }],
    ['images=no, audio=no', { lacks: new Set(['images', 'audio']) }],
    ['token_limit=max_tokens', { tokenLimit: 'max_tokens' }],
    ['sampling=without-reasoning,reasons_by_default=yes', { reasonsByDefault: true }],
    ['tools_exclude_reasoning=always', { toolsExcludeReasoning: 'always' }],
    ['efforts=none|low', { efforts: ['none', 'low'] }],
    ['efforts=no', { efforts: [] }],
  ])('"%s" is put over what is unknown', (setting, expected) => {
    const { deployment, problems } = read(setting);
    expect(problems).toEqual([]);
    expect(deployment?.capabilities).toMatchObject(expected);
  });

  test('overrides the table, and leaves the rest of it', () => {
    const { deployment } = read('stop=yes,images=no,token_limit=both,context=9', 'gpt-5.6-sol');
    expect(deployment?.capabilities).toEqual({
      ...capabilitiesOf('gpt-5.6-sol', 'azure'),
      lacks: new Set(['audio', 'images']),
      tokenLimit: 'both',
      contextTokens: 9,
    });
  });

  test.each([
    'images',
    'images=',
    'images=maybe',
    'Images=no',
    'context=0',
    'context=-1',
    'context=1e5',
    'context=1=2',
    'efforts=',
    'efforts=some',
    'sampling=yes',
    'token_limit=tokens',
    'pictures=no',
    '__proto__=no',
    'images=no,,tools=no',
  ])('"%s" is a problem', (setting) => {
    const { problems } = read(setting);
    expect(problems).toEqual([
      expect.stringMatching(/^STRONG_CAPABILITIES must look like .* does not\.$/),
    ]);
  });

  test('sets nothing twice', () => {
    expect(read('images=no,images=yes').problems).toEqual([
      'STRONG_CAPABILITIES sets images twice: keep one of the two.',
    ]);
  });

  test('is not for embeddings', () => {
    const reader = new SettingsReader({
      AZURE_OPENAI_ENDPOINT: 'https://name.openai.azure.com',
      EMBEDDING_DEPLOYMENT: 'embedding',
      EMBEDDING_CAPABILITIES: 'nonsense',
    });
    expect(readDeployment(reader, 'EMBEDDING')?.capabilities).toBe(UNKNOWN_MODEL);
    expect(reader.problems).toEqual([]);
  });
});
