import { createHash, timingSafeEqual } from 'node:crypto';

/** Who may call: the name is for logs, the key itself is nowhere, only its SHA-256. */
export type ApiKey = { readonly name: string; readonly sha256: Buffer };

/** Parses `ROUTER_API_KEYS`: comma separated `name=<sha256 of the key, hex>[;role=admin]`. */
export function parseApiKeys(text: string): { keys: ApiKey[]; problems: string[] } {
  const keys: ApiKey[] = [];
  const problems: string[] = [];
  for (const [index, part] of text.split(',').entries()) {
    if (part.trim() === '') continue;
    const match = /^\s*([A-Za-z0-9][\w.-]{0,63})=([0-9a-fA-F]{64})\s*(?:;(.*))?$/.exec(part);
    const [, name = '', hash = '', attributes] = match ?? [];
    if (match === null) {
      // The entry is not repeated: somebody may have put the key itself there.
      problems.push(
        `ROUTER_API_KEYS: entry ${index + 1} must be name=<sha256 of the key as 64 hex digits>.`,
      );
    } else if (attributes !== undefined && attributes.trim() !== 'role=admin') {
      problems.push(
        `ROUTER_API_KEYS: entry ${index + 1} (${name}) has an attribute that is not enforced yet; only role=admin is known.`,
      );
    } else {
      keys.push({ name, sha256: Buffer.from(hash, 'hex') });
    }
  }
  return { keys, problems };
}

/** The entry whose key was presented. Compares all of them in constant time. */
export function findApiKey(keys: readonly ApiKey[], presented: string): ApiKey | undefined {
  const hash = createHash('sha256').update(presented).digest();
  let found: ApiKey | undefined;
  for (const key of keys) if (timingSafeEqual(key.sha256, hash)) found = key;
  return found;
}
