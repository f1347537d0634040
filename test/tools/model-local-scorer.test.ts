import { describe, expect, test } from 'vitest';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import { findScorer, loadRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { unknownPairOf } from '../../shared/matrix-factorization/stand-in-choice.ts';
import { LOCAL_EMBEDDER, loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';

// None of these is among the prompts that the scorer was trained on.
const EVERYDAY = [
  'hi',
  'hey, how are you?',
  'good morning!',
  'tell me a joke',
  'what should I have for dinner tonight?',
  'Can you suggest a name for my cat?',
  "what's your favourite colour?",
  'ok cool, thank you so much for the help!',
  "What's a fun thing to do on a rainy weekend with kids?",
  'Rewrite this to sound friendlier: please send the file by Friday.',
];
const EXPERT = [
  'Prove that every bounded monotone sequence of real numbers converges, and explain where completeness is used.',
  'Design a rate limiter for a distributed API gateway with 200 nodes; compare token bucket and sliding window under clock skew.',
  'Derive the Black-Scholes equation from a delta-hedged portfolio and discuss which assumptions fail in practice.',
  'A 64-year-old patient on warfarin presents with an INR of 9 and no bleeding. What management would you recommend and why?',
  'Implement a lock-free single-producer single-consumer ring buffer in C++ and justify each memory ordering.',
  'Compare difference-in-differences with synthetic control for evaluating a minimum wage increase with one treated state.',
  'Show that the expected number of comparisons in randomized quicksort is at most 2n ln n.',
  'Why does my Rust async function fail when I hold a MutexGuard across an await? Show two fixes.',
  'Explain the mechanism of the Suzuki coupling and how ligand choice affects oxidative addition with aryl chlorides.',
  'Draft a limitation of liability clause for a SaaS contract under German law and explain its limits.',
];

const entry = findScorer(await loadRegistry('models'), 'local');
const scorer = await load(entry, 'models');
const { embed } = await loadLocalEmbedder('models');

function winRates(prompts: readonly string[]): Promise<number[]> {
  return Promise.all(
    prompts.map((prompt) => scorer.predictWinRate(embed(prompt), unknownPairOf(entry))),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('the scorer that ships', () => {
  test('is trained on the embedder that ships', () => {
    expect(entry).toMatchObject({
      embedder: LOCAL_EMBEDDER.id,
      dimensions: LOCAL_EMBEDDER.dimensions,
      defaultPair: { strong: 'gpt-4-1106-preview', weak: 'mixtral-8x7b' },
    });
  });

  test('gives expert asks clearly higher win rates than small talk and everyday asks', async () => {
    const everyday = await winRates(EVERYDAY);
    const expert = await winRates(EXPERT);
    expect(mean(expert)).toBeGreaterThan(mean(everyday) + 0.03);
    const inOrder = everyday.flatMap((low) => expert.map((high) => Number(high > low)));
    expect(mean(inOrder)).toBeGreaterThan(0.85);
  });

  test('spreads its win rates, so that a threshold can divide the prompts in any share', async () => {
    const rates = await winRates([...EVERYDAY, ...EXPERT]);
    expect(new Set(rates).size).toBe(rates.length);
    const { quantiles = [] } = entry.calibrations[0] ?? {};
    expect((quantiles[90] ?? 0) - (quantiles[10] ?? 0)).toBeGreaterThan(0.05);
  });
});
