import { bareName } from '../base/model-name.ts';
import knownModels from './known-models.json' with { type: 'json' };
import type { ScorerEntry } from './scorer-registry.ts';

const VERSIONS: ReadonlyMap<string, string> = new Map(Object.entries(knownModels));

/** The end of a name that tells a version: a date, a number of three digits or more, or the newest. */
const VERSION = /[-@:](?:latest|preview|\d{4}-\d\d-\d\d|\d{3,})$/;

/**
 * Returns the scorer's model that a name stands for: its own name in any case and after any maker,
 * or one of its versions, as `gpt-4o` and `openai/gpt-4o-2024-11-20` are. Undefined when it has
 * none of that name.
 */
export function findScorerModel(
  { models }: Pick<ScorerEntry, 'models'>,
  name: string,
): string | undefined {
  if (models.includes(name)) return name;
  const bare = bareName(name);
  const same = models.find((one) => bareName(one) === bare);
  const version = VERSIONS.get(bare) ?? VERSIONS.get(bare.replace(VERSION, ''));
  return same ?? models.find((one) => one === version);
}
