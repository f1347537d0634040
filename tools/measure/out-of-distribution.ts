import { readFile } from 'node:fs/promises';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { unknownPairOf } from '../../shared/matrix-factorization/stand-in-choice.ts';
import { loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';

const PROMPTS = new URL('./out-of-distribution-prompts.json', import.meta.url);

/** Prompts by kind: chat in 20 languages, and prompts that a scorer may not be able to judge. */
type Prompts = Readonly<
  Record<'ordinary' | 'unusual', Readonly<Record<string, readonly string[]>>>
>;

/** Gives a number for each prompt, greater for those that a scorer may not be able to judge. */
type Measure = (prompts: readonly string[]) => Promise<readonly number[]>;

/** Signs that code has many of. */
const SIGNS = /[{}()[\]<>;=_|&\\/"`*+:%@#$]/g;
const LETTERS = /[\p{L}\p{M}]/gu;
/** Letters of the scripts that the local embedder has features for. */
const KNOWN =
  /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Devanagari}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;

/**
 * Prints how well measures of strangeness tell unusual prompts from ordinary chat: the AUC, and how
 * many they flag at the limit that 1% of the chat exceeds.
 */
export async function measureOutOfDistribution(
  entry: ScorerEntry,
  modelsFolder: string,
): Promise<void> {
  const { ordinary, unusual } = JSON.parse(await readFile(PROMPTS, 'utf8')) as Prompts;
  const chat = Object.values(ordinary).flat();
  const measures: Readonly<Record<string, Measure>> = {
    'win rate': await winRateMeasure(entry, modelsFolder),
    'unknown scripts': async (prompts) =>
      prompts.map((text) => 1 - count(text, KNOWN) / Math.max(1, count(text, LETTERS))),
    signs: async (prompts) => prompts.map((text) => count(text, SIGNS) / count(text, /\S/g)),
  };
  console.log('| Measure | Prompts | AUC | flagged at 1% of chat |');
  console.log('| --- | --- | --- | --- |');
  for (const [name, measure] of Object.entries(measures)) {
    const usual = await measure(chat);
    const limit = usual.toSorted((a, b) => a - b)[Math.ceil(usual.length * 0.99) - 1] ?? 0;
    for (const [kind, prompts] of Object.entries(unusual)) {
      const found = await measure(prompts);
      const flagged = found.filter((one) => one > limit).length;
      const auc = aucOf(found, usual).toFixed(2);
      console.log(`| ${name} | ${kind} | ${auc} | ${flagged} of ${found.length} |`);
    }
  }
}

async function winRateMeasure(entry: ScorerEntry, modelsFolder: string): Promise<Measure> {
  const { embed } = await loadLocalEmbedder(modelsFolder);
  const scorer = await load(entry, modelsFolder);
  return async (prompts) =>
    (await scorer.predict(prompts.map(embed), unknownPairOf(entry))).map(
      (one) => one?.winRate ?? 0,
    );
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** The probability that an unusual prompt has a greater number than a usual one, ties half. */
function aucOf(unusual: readonly number[], usual: readonly number[]): number {
  let greater = 0;
  for (const one of unusual) {
    for (const other of usual) greater += one > other ? 1 : Number(one === other) / 2;
  }
  return greater / unusual.length / usual.length;
}
