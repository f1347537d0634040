import { createHash, randomBytes } from 'node:crypto';

const KEY_BYTES = 32;

export type CallerKey = {
  readonly key: string;
  /** The value of ROUTER_API_KEYS, in which the key's SHA-256 stands. */
  readonly apiKeys: string;
  readonly isNew: boolean;
  readonly isChanged: boolean;
};

/**
 * Keeps the given key, or makes one, and sees to it that ROUTER_API_KEYS knows it beside the others,
 * as the entry `name` unless it has it already.
 */
export function withCallerKey(given: string, apiKeys: string, name: string): CallerKey {
  const isNew = given === '';
  const key = isNew ? randomBytes(KEY_BYTES).toString('base64url') : given;
  const hash = createHash('sha256').update(key).digest('hex');
  const entries = apiKeys.split(',').map((entry) => entry.trim());
  if (entries.some((entry) => entry.toLowerCase().includes(`=${hash}`))) {
    return { key, apiKeys, isNew, isChanged: isNew };
  }
  // One of an earlier run that nobody has kept, as in a pipeline.
  const others = entries.filter((entry) => entry !== '' && !entry.startsWith(`${name}=`));
  return { key, apiKeys: [...others, `${name}=${hash}`].join(','), isNew, isChanged: true };
}

/** As the templates read a setting that is on or off. */
export function isTrue(value: string | undefined): boolean {
  return value === 'true';
}
