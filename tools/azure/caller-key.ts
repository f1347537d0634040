import { createHash, randomBytes } from 'node:crypto';

/** The entry of ROUTER_API_KEYS that this tool keeps. */
const NAME = 'azd';
const KEY_BYTES = 32;

export type CallerKey = {
  readonly key: string;
  /** The value of ROUTER_API_KEYS, in which the key's SHA-256 stands. */
  readonly apiKeys: string;
  readonly isNew: boolean;
  readonly isChanged: boolean;
};

/** Keeps the given key, or makes one, and sees to it that ROUTER_API_KEYS knows it beside the others. */
export function withCallerKey(given: string, apiKeys: string): CallerKey {
  const isNew = given === '';
  const key = isNew ? randomBytes(KEY_BYTES).toString('base64url') : given;
  const hash = createHash('sha256').update(key).digest('hex');
  const entries = apiKeys.split(',').map((entry) => entry.trim());
  if (entries.some((entry) => entry.toLowerCase().includes(`=${hash}`))) {
    return { key, apiKeys, isNew, isChanged: isNew };
  }
  // One of an earlier run that nobody has kept, as in a pipeline.
  const others = entries.filter((entry) => entry !== '' && !entry.startsWith(`${NAME}=`));
  return { key, apiKeys: [...others, `${NAME}=${hash}`].join(','), isNew, isChanged: true };
}

/** As the templates read a setting that is on or off. */
export function isTrue(value: string | undefined): boolean {
  return value?.trim() === 'true';
}
