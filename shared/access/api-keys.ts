import { createHash, timingSafeEqual } from 'node:crypto';
import { type Caller, type Identity, isName } from './caller.ts';

/** A key of a caller. Only its SHA-256 is stored, never the key itself. */
export type ApiKey = Identity & { readonly sha256: Buffer };

/** The name whose entry is the front door's, even without `role=front-door`. */
const FRONT_DOOR = 'front-door';

const ROLES = ['user', 'admin', FRONT_DOOR] as const;
type Role = (typeof ROLES)[number];

type Attributes = {
  readonly role?: Role;
  readonly useCases?: readonly string[];
  readonly deployments?: readonly string[];
  readonly isJudge?: boolean;
};

/**
 * Parses `ROUTER_API_KEYS`: comma separated
 * `name=<sha256 of the key, hex>[;role=user|admin|front-door][;use-cases=a|b][;deployments=x|y][;judge=true]`.
 * Several entries may share a name if they give the same rights, so that a key can be replaced without
 * an interruption. Problems never quote an entry: it may hold the key itself.
 */
export function parseApiKeys(text: string): { keys: ApiKey[]; problems: string[] } {
  const keys: ApiKey[] = [];
  const problems: string[] = [];
  for (const [index, part] of text.split(',').entries()) {
    if (part.trim() === '') continue;
    const parsed = parseEntry(part);
    const problem = typeof parsed === 'string' ? parsed : findConflict(keys, parsed);
    if (problem !== undefined) problems.push(`ROUTER_API_KEYS: entry ${index + 1} ${problem}.`);
    else if (typeof parsed !== 'string') keys.push(parsed);
  }
  return { keys, problems };
}

/** Returns the entry of the presented key. Compares all keys in constant time. */
export function findApiKey(keys: readonly ApiKey[], presented: string): ApiKey | undefined {
  const hash = createHash('sha256').update(presented).digest();
  let found: ApiKey | undefined;
  for (const key of keys) if (timingSafeEqual(key.sha256, hash)) found = key;
  return found;
}

/** Returns the parsed entry, or a text that says what is wrong with it. */
function parseEntry(entry: string): ApiKey | string {
  const match = /^\s*([A-Za-z0-9][\w.-]{0,63})=([0-9a-fA-F]{64})\s*(?:;(.*))?$/s.exec(entry);
  const [, name = '', hash = '', rest] = match ?? [];
  if (match === null) return 'must be name=<sha256 of the key as 64 hex digits>';
  const attributes = rest === undefined ? {} : parseAttributes(rest);
  if (typeof attributes === 'string') return `(${name}) ${attributes}`;
  const role = attributes.role ?? (name === FRONT_DOOR ? FRONT_DOOR : 'user');
  const isFrontDoor = role === FRONT_DOOR;
  const caller: Caller = { ...attributes, name, role: isFrontDoor ? 'user' : role };
  return { caller, isFrontDoor, sha256: Buffer.from(hash, 'hex') };
}

function parseAttributes(text: string): Attributes | string {
  const attributes: Attributes = {};
  const seen = new Set<string>();
  for (const part of text.split(';')) {
    const [, name = '', value = ''] = /^\s*([\w-]+)\s*=(.*)$/s.exec(part) ?? [];
    const read = ATTRIBUTES.get(name);
    if (read === undefined) return `has an unknown attribute: there are ${ATTRIBUTE_NAMES}`;
    if (seen.has(name)) return `has ${name} twice`;
    seen.add(name);
    const parsed = read(value.trim());
    if (typeof parsed === 'string') return parsed;
    Object.assign(attributes, parsed);
  }
  return attributes;
}

const ATTRIBUTES = new Map<string, (value: string) => Attributes | string>([
  [
    'role',
    (value) => {
      const role = ROLES.find((known) => known === value);
      return role === undefined ? `must have one of the roles ${ROLES.join(', ')}` : { role };
    },
  ],
  [
    'use-cases',
    (value) => {
      const useCases = splitNames(value);
      return useCases.every(isName)
        ? { useCases }
        : 'must have use-cases=a|b, each of letters, digits and _ . : -, up to 64';
    },
  ],
  [
    'deployments',
    (value) => {
      const deployments = splitNames(value);
      return deployments.includes('')
        ? 'must have deployments=x|y, each the name of a deployment'
        : { deployments };
    },
  ],
  [
    'judge',
    (value) =>
      value === 'true' || value === 'false'
        ? { isJudge: value === 'true' }
        : 'must have judge=true or judge=false',
  ],
]);
const ATTRIBUTE_NAMES = [...ATTRIBUTES.keys()].join(', ');

function splitNames(value: string): readonly string[] {
  return value.split('|').map((name) => name.trim());
}

function findConflict(keys: readonly ApiKey[], key: ApiKey): string | undefined {
  const { name } = key.caller;
  const twin = keys.find(({ sha256 }) => sha256.equals(key.sha256));
  if (twin !== undefined) return `(${name}) repeats the key of the entry ${twin.caller.name}`;
  const namesake = keys.find(({ caller }) => caller.name === name);
  if (namesake === undefined || rightsOf(namesake) === rightsOf(key)) return undefined;
  return `(${name}) gives other rights than an earlier entry of the same name`;
}

function rightsOf({ caller, isFrontDoor }: ApiKey): string {
  const sorted = (names: readonly string[] | undefined) => names?.toSorted();
  const { role, useCases, deployments, isJudge = false } = caller;
  const limits = [sorted(useCases) ?? 0, sorted(deployments) ?? 0];
  return JSON.stringify([isFrontDoor, role, isJudge, ...limits]);
}
