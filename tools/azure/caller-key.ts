import { createHash, randomBytes } from 'node:crypto';

const KEY_BYTES = 32;

export type CallerKey = {
  readonly key: string;
  /** The value of ROUTER_API_KEYS, which contains the key's SHA-256. */
  readonly apiKeys: string;
  readonly isNew: boolean;
  readonly isChanged: boolean;
};

/**
 * Keeps the given key, or creates one, and adds it to ROUTER_API_KEYS as the entry `name`, unless
 * it is already there under any name.
 */
export function withCallerKey(given: string, apiKeys: string, name: string): CallerKey {
  const isNew = given === '';
  const key = isNew ? randomBytes(KEY_BYTES).toString('base64url') : given;
  const hash = createHash('sha256').update(key).digest('hex');
  const entries = apiKeys.split(',').map((entry) => entry.trim());
  if (entries.some((entry) => entry.toLowerCase().includes(`=${hash}`))) {
    return { key, apiKeys, isNew, isChanged: isNew };
  }
  // An entry of this name comes from an earlier run that kept no key, as in a pipeline.
  const others = entries.filter((entry) => entry !== '' && !entry.startsWith(`${name}=`));
  return { key, apiKeys: [...others, `${name}=${hash}`].join(','), isNew, isChanged: true };
}

/** Reads a setting that is on or off as the templates do. */
export function isTrue(value: string | undefined): boolean {
  return value === 'true';
}
