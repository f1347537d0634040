import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type Capabilities, UNKNOWN_MODEL } from '../../../shared/capabilities/capabilities.ts';
import { capabilitiesOf, KNOWN_MODELS } from '../../../shared/capabilities/known-models.ts';

const of = (name: string) => capabilitiesOf(name, 'azure');

describe('a model is known', () => {
  test.each([
    ['gpt-4o-2024-11-20', 'gpt-4o'],
    ['gpt-4o-mini-2024-07-18', 'gpt-4o-mini'],
    ['gpt-4o-2024-05-13', 'gpt-4o-2024-05-13'],
    ['openai/gpt-5.6-sol', 'gpt-5.6-sol'],
    ['azure/eu/GPT-5-Mini-2025-08-07', 'gpt-5-mini'],
    ['gpt-5.1-chat-latest', 'gpt-5.1-chat'],
    ['gpt-4o-audio-preview', 'gpt-4o-audio'],
    ['Llama-3.3-70B-Instruct', 'llama-3.3-70b'],
    ['DeepSeek-R1-0528', 'deepseek-r1'],
    ['gpt-4.1 (europe)', 'gpt-4.1'],
  ])('%s by its name before a version and after a maker', (name, known) => {
    expect(KNOWN_MODELS.has(known)).toBe(true);
    expect(of(name)).toBe(KNOWN_MODELS.get(known));
  });

  test.each(['', '/', 'my-model', 'gpt-5.9', 'gpt-50', 'gpt-4o1', 'my-gpt-4o', 'o', '__proto__'])(
    'and "%s" is not',
    (name) => {
      expect(of(name)).toBe(UNKNOWN_MODEL);
    },
  );

  test('as Foundry serves it, but only there', () => {
    expect(capabilitiesOf('Phi-4', 'azure-v1').inputTokens).toBe(16_384);
    expect(capabilitiesOf('Phi-4', 'openai')).toBe(UNKNOWN_MODEL);
    expect(capabilitiesOf('gpt-4o', 'openai')).toBe(KNOWN_MODELS.get('gpt-4o'));
  });
});

describe('the table', () => {
  test.each([
    ['gpt-4o', { contextTokens: 128_000, outputTokens: 16_384, tokenLimit: 'both', efforts: [] }],
    ['gpt-5', { inputTokens: 272_000, outputTokens: 128_000, sampling: 'never' }],
    ['gpt-5.2', { sampling: 'without-reasoning', reasonsByDefault: false }],
    ['gpt-5.4', { inputTokens: 922_000, toolsExcludeReasoning: 'when-given' }],
    ['gpt-5.6-luna', { toolsExcludeReasoning: 'always', reasonsByDefault: true }],
  ] as const)('knows %s', (name, facts) => {
    expect(of(name)).toMatchObject(facts);
  });

  test('is the one of docs/capabilities.md', async () => {
    const page = await readFile(new URL('../../../docs/capabilities.md', import.meta.url), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    const documented = rows.flatMap((row) => {
      const [names = '', ...cells] = row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
      return [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => [name, cells.join(' | ')]);
    });
    const models = [...KNOWN_MODELS].map(([name, facts]) => [name, describeFacts(facts)]);
    const table = documented.filter(([, cells]) => cells?.split(' | ').length === 4);
    expect(Object.fromEntries(table)).toEqual(Object.fromEntries(models));
  });
});

/** A row of the page, after the names. */
function describeFacts({ contextTokens, inputTokens, outputTokens, ...facts }: Capabilities) {
  const figure = (tokens: number | undefined) => tokens?.toLocaleString('en-US') ?? '';
  const window = [
    contextTokens && `${figure(contextTokens)} in all`,
    inputTokens && `${figure(inputTokens)} in`,
    outputTokens && `${figure(outputTokens)} out`,
  ];
  return [
    window.filter(Boolean).join(', '),
    [...facts.lacks].join(', '),
    describeSampling(facts),
    describeTools(facts),
  ].join(' | ');
}

function describeSampling({ sampling, reasonsByDefault }: Partial<Capabilities>): string {
  if (sampling === 'always') return 'yes';
  if (sampling === 'never') return 'no';
  return reasonsByDefault ? 'with effort none' : 'unless an effort is given';
}

function describeTools({ toolsExcludeReasoning, lacks }: Partial<Capabilities>): string {
  if (lacks?.has('tools')) return 'no';
  switch (toolsExcludeReasoning) {
    case 'always':
      return 'with effort none';
    case 'when-given':
      return 'without an effort';
    default:
      return 'yes';
  }
}
