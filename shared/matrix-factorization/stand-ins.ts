import table from './model-families.json' with { type: 'json' };
import type { ScorerEntry } from './scorer-registry.ts';

/** A class of strength, with the scorer's models that may stand for it. */
export type Rung = keyof typeof table.rungs;

/** The rung of a model that a scorer does not know, and the part of its name that tells it. */
export type Family = { readonly pattern: string; readonly rung: Rung };

/** The scorer's model that is taken for another one, and why. */
export type StandIn = { readonly model: string; readonly why: string };

/** The rungs, the strongest first. */
export const RUNGS = Object.keys(table.rungs) as readonly Rung[];

/**
 * Finds the model that stands for one that the scorer does not know: the first model of its rung
 * that the scorer has. Undefined for a name of no known family, and without such a model.
 */
export function findStandIn(entry: ScorerEntry, modelName: string): StandIn | undefined {
  const family = findFamily(modelName);
  if (family === undefined) return undefined;
  const model = modelOfRung(entry, family.rung);
  if (model === undefined) return undefined;
  const { why } = table.rungs[family.rung];
  return { model, why: `its name is like "${family.pattern}", ${why}` };
}

/**
 * Returns the scorer's model that stands for a rung: for the best models and the cheapest ones those
 * of the pair that was found best for unknown models. Undefined if the scorer has none.
 */
export function modelOfRung({ models, standIns }: ScorerEntry, rung: Rung): string | undefined {
  const measured = { flagship: standIns?.strong, nano: standIns?.weak }[rung as string];
  return [measured, ...table.rungs[rung].models].find(
    (one) => one !== undefined && models.includes(one),
  );
}

/**
 * Finds the family of a model's name: the pattern with the most words that are all in the name, in
 * their order; words next to each other in the pattern are next to each other in the name. A number
 * of parameters tells more than a family of one word does.
 */
export function findFamily(modelName: string): Family | undefined {
  const name = wordsOf(modelName);
  let found: (typeof PATTERNS)[number] | undefined;
  for (const one of PATTERNS) {
    if (one.words > (found?.words ?? 0) && isIn(name, one.runs)) found = one;
  }
  const size = found === undefined || found.words === 1 ? findSize(modelName) : undefined;
  return size ?? found;
}

/** A family whose name has several runs of words, with anything between them. */
const PATTERNS = Object.entries(table.families).map(([pattern, rung]) => {
  const runs = pattern.split('*').map(wordsOf);
  return { pattern, rung: rung as Rung, runs, words: runs.flat().length };
});

/** Splits a name, since `gpt-4o`, `gpt4o` and `GPT_4o` are one model: `gpt`, `4`, `o`. */
function wordsOf(name: string): string[] {
  return name.toLowerCase().match(/[a-z]+|\d+/g) ?? [];
}

function isIn(name: readonly string[], runs: readonly (readonly string[])[]): boolean {
  let from = 0;
  for (const run of runs) {
    const last = name.length - run.length;
    while (from <= last && !run.every((word, index) => name[from + index] === word)) from += 1;
    if (from > last) return false;
    from += run.length;
  }
  return true;
}

/** The family of a name that tells billions of parameters; of several, the total is the greatest. */
function findSize(modelName: string): Family | undefined {
  const sizes = [...modelName.matchAll(/(?<![\d.])(\d{1,6}(?:\.\d{1,3})?)b(?![a-z0-9])/gi)].map(
    ([, size]) => Number(size),
  );
  if (sizes.length === 0) return undefined;
  const size = Math.max(...sizes);
  const found = table.sizes.find(({ from }) => size >= from);
  return found && { pattern: `${size}b`, rung: found.rung as Rung };
}
