import { describe, expect, test } from 'vitest';
import { loadHeldOutScores } from '../../../shared/matrix-factorization/held-out-scores.ts';
import table from '../../../shared/matrix-factorization/model-families.json' with { type: 'json' };
import { resolveScorer } from '../../../shared/matrix-factorization/scorer-choice.ts';
import { findScorerModel } from '../../../shared/matrix-factorization/scorer-model.ts';
import { findScorer, loadRegistry } from '../../../shared/matrix-factorization/scorer-registry.ts';
import { scoreByName } from '../../../shared/matrix-factorization/stand-in-choice.ts';
import { findFamily, modelOfRung, RUNGS } from '../../../shared/matrix-factorization/stand-ins.ts';
import published from '../../../tools/model/routellm-models.json' with { type: 'json' };

const registry = await loadRegistry('models');
const local = findScorer(registry, 'local');
const strengthOf = (await loadHeldOutScores(local, 'models'))?.mean;
const unknownPair = { strong: local.standIns?.strong, weak: local.standIns?.weak };

describe('the family of a model', () => {
  test.each([
    ['gpt-5', 'flagship'],
    ['gpt-5-2025-08-07', 'flagship'],
    ['GPT-5.4', 'flagship'],
    ['gpt-7', 'flagship'],
    ['gpt-5.6-sol', 'flagship'],
    ['gpt-5.6-terra', 'middle'],
    ['gpt-5.6-luna', 'nano'],
    ['openai/gpt-5-mini', 'small'],
    ['azure_ai/gpt-5.4-mini-2026-03-01', 'small'],
    ['prod-gpt5mini-swedencentral', 'small'],
    ['gpt-9.2-nano', 'nano'],
    ['gpt-5.3-chat', 'large'],
    ['gpt-4.1', 'large'],
    ['gpt-4.1-mini-2025-04-14', 'small'],
    ['gpt-4o-audio-preview', 'large'],
    ['gpt-35-turbo-16k', 'nano'],
    ['gpt-oss-120b', 'middle'],
    ['o3-pro', 'flagship'],
    ['o4-mini-high', 'large'],
    ['anthropic/claude-opus-4.5', 'flagship'],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'flagship'],
    ['claude-3-7-sonnet-latest', 'flagship'],
    ['claude-haiku-5', 'small'],
    ['gemini-3-pro-preview', 'flagship'],
    ['gemini-2.5-flash', 'small'],
    ['models/gemini-2.5-flash-lite-001', 'nano'],
    ['gemini-1.5-flash-8b', 'nano'],
    ['Llama-3.3-70B-Instruct', 'small'],
    ['llama-4-maverick-17b-128e-instruct-fp8', 'middle'],
    ['meta-llama/Llama-3.2-3B-Instruct', 'tiny'],
    ['Mistral-Large-3', 'large'],
    ['mistral-small-2503', 'small'],
    ['DeepSeek-R1-0528', 'flagship'],
    ['deepseek-r1-distill-llama-70b', 'small'],
    ['deepseek-v3-0324', 'large'],
    ['qwen3-235b-a22b-instruct-2507', 'large'],
    ['qwen3-30b-a3b', 'small'],
    ['Qwen/Qwen3-Next-80B-A3B-Instruct', 'small'],
    ['grok-4-fast-reasoning', 'middle'],
    ['kimi-k2-thinking', 'flagship'],
    ['some-new-model-13b-q4', 'nano'],
    ['acme-9-mini', 'small'],
  ])('of %s is %s', (name, rung) => {
    expect(findFamily(name)?.rung).toBe(rung);
  });

  test.each(['big-one', 'strong', 'company-assistant', 'gptx', 'llamazon', '', '8bit', 'foo-3'])(
    'of %j is not known',
    (name) => {
      expect(findFamily(name)).toBeUndefined();
    },
  );

  test.each(Object.keys(table.families))('that the table lists as %s is found', (pattern) => {
    const name = pattern.replaceAll('*', '77');
    expect(findFamily(name)?.rung).toBe(table.families[pattern as keyof typeof table.families]);
  });
});

describe('a rung', () => {
  test.each(RUNGS)('%s has a model of each scorer that there is', (rung) => {
    expect(local.models).toContain(modelOfRung(local, rung));
    const { standIns: _, ...other } = { ...local, models: published };
    expect(published).toContain(modelOfRung(other, rung));
  });

  test('has a model that is no stronger than that of the rung above it', () => {
    const strengths = RUNGS.map((rung) => strengthOf?.(modelOfRung(local, rung) ?? '') ?? 0);
    for (const [index, strength] of strengths.entries()) {
      // Held-out prompts tell no smaller differences.
      expect(strength).toBeLessThan((strengths[index - 1] ?? 1) + 0.01);
    }
  });

  test('is that of every row of the table', () => {
    const used = [...Object.values(table.families), ...table.sizes.map(({ rung }) => rung)];
    for (const rung of used) expect(RUNGS).toContain(rung);
  });
});

describe('a model that the scorer knows', () => {
  test.each([
    ['gpt-4o', 'gpt-4o-2024-08-06'],
    ['gpt-4o-2024-11-20', 'gpt-4o-2024-08-06'],
    ['azure/gpt-4o-2024-05-13', 'gpt-4o-2024-05-13'],
    ['openai/GPT-4o-mini', 'gpt-4o-mini-2024-07-18'],
    ['anthropic/claude-3.5-sonnet', 'claude-3-5-sonnet-20241022'],
    ['claude-3-5-haiku-latest', 'claude-3-5-haiku-20241022'],
    ['llama-2-70b-chat', 'meta/llama-2-70b-chat'],
  ])('%s is scored as %s', (name, model) => {
    expect(scoreByName(local, name)).toMatchObject({ model, isStandIn: false });
  });

  test.each(['gpt-4o-audio-preview', 'mistral-large-3', 'gpt-4.1', 'o1'])(
    'is not %s, which only sounds like one',
    (name) => {
      expect(findScorerModel(local, name)).toBeUndefined();
    },
  );
});

describe('the pair of two deployments', () => {
  const pairOf = (strong: string, weak: string, more: object = {}) => {
    const wish = { name: 'local', deployed: { strong, weak }, strengthOf, needsCalibration: false };
    return resolveScorer(registry, { ...wish, ...more });
  };

  test('is the measured one for the best and the cheapest models', () => {
    const { pair, scoredAs } = pairOf('gpt-5.6-sol', 'gpt-5-nano');
    expect(pair).toEqual(unknownPair);
    expect(scoredAs.strong).toMatchObject({
      isStandIn: true,
      why: expect.stringContaining('"gpt-*-sol"'),
    });
  });

  test.each([
    ['a name that says nothing', 'gpt-5', 'company-assistant', /no model like "company-assistant"/],
    ['two of one rung', 'gpt-5.2', 'o3', /too near/],
    ['models in the wrong order', 'gpt-5-nano', 'gpt-5', /too near/],
    ['known models that are too near', 'gpt-4o', 'gpt-4o-mini', /too near/],
  ])('is the measured one for %s', (_, strong, weak, why) => {
    const { pair, scoredAs } = pairOf(strong, weak);
    expect(pair).toEqual(unknownPair);
    for (const one of [scoredAs.strong, scoredAs.weak]) {
      expect(one).toMatchObject({ isStandIn: true, why: expect.stringMatching(why) });
    }
  });

  test('is that of the models themselves if they are known and far apart', () => {
    const { pair, scoredAs } = pairOf('gpt-4o', 'gpt-3.5-turbo');
    expect(pair).toEqual({ strong: 'gpt-4o-2024-08-06', weak: 'gpt-3.5-turbo-0125' });
    expect([scoredAs.strong.isStandIn, scoredAs.weak.isStandIn]).toEqual([false, false]);
  });

  test('is what the settings name, whatever the models are', () => {
    const { pair, scoredAs } = pairOf('gpt-5', 'gpt-5-nano', {
      strong: 'gpt-4-1106-preview',
      weak: 'mixtral-8x7b',
    });
    expect(pair).toEqual({ strong: 'gpt-4-1106-preview', weak: 'mixtral-8x7b' });
    expect(scoredAs.weak).toEqual({
      model: 'mixtral-8x7b',
      isStandIn: false,
      why: 'WEAK_SCORER_MODEL names it',
    });
  });
});
