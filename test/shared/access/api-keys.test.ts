import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { findApiKey, parseApiKeys } from '../../../shared/access/api-keys.ts';

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

describe('parseApiKeys', () => {
  test('reads names and hashes, in order', () => {
    const { keys, problems } = parseApiKeys(`ann=${hashOf('a')},bob=${hashOf('b')}`);
    expect(problems).toEqual([]);
    expect(keys.map(({ caller }) => caller.name)).toEqual(['ann', 'bob']);
    expect(keys[1]?.sha256.toString('hex')).toBe(hashOf('b'));
  });

  test('takes spaces and line breaks around entries, upper-case digits and an empty last entry', () => {
    const { keys, problems } = parseApiKeys(` ann=${hashOf('a').toUpperCase()} ,\n `);
    expect(problems).toEqual([]);
    expect(keys).toHaveLength(1);
  });

  test('takes what an entry may do', () => {
    const text = [
      `ann=${hashOf('a')};role=admin`,
      `bob=${hashOf('b')}; use-cases = chat | mail ;deployments=big-1|weak;role=user`,
      `cid=${hashOf('c')}`,
    ].join();
    const { keys, problems } = parseApiKeys(text);
    expect(problems).toEqual([]);
    expect(keys.map(({ caller }) => caller)).toEqual([
      { name: 'ann', role: 'admin' },
      { name: 'bob', role: 'user', useCases: ['chat', 'mail'], deployments: ['big-1', 'weak'] },
      { name: 'cid', role: 'user' },
    ]);
    expect(keys.some(({ isFrontDoor }) => isFrontDoor)).toBe(false);
  });

  test("knows the front door's entry by its role, and by its name where it has none", () => {
    const { keys, problems } = parseApiKeys(
      `gateway=${hashOf('a')};role=front-door;use-cases=chat,front-door=${hashOf('b')}`,
    );
    expect(problems).toEqual([]);
    expect(keys).toMatchObject([
      { isFrontDoor: true, caller: { name: 'gateway', role: 'user', useCases: ['chat'] } },
      { isFrontDoor: true, caller: { name: 'front-door', role: 'user' } },
    ]);
    const named = parseApiKeys(`front-door=${hashOf('b')};role=user`).keys;
    expect(named).toMatchObject([{ isFrontDoor: false }]);
  });

  test('takes several keys of one name with the same rights, for the time of a change', () => {
    const { keys, problems } = parseApiKeys(
      `ann=${hashOf('old')};use-cases=a|b;role=user,ann=${hashOf('new')};use-cases=b|a`,
    );
    expect(problems).toEqual([]);
    for (const key of ['old', 'new']) expect(findApiKey(keys, key)?.caller.name).toBe('ann');
  });

  test.each(['role=admin', 'use-cases=a', 'deployments=x', 'role=front-door'])(
    'refuses several of one name of which one has %s',
    (attribute) => {
      const text = `ann=${hashOf('old')},ann=${hashOf('new')};${attribute}`;
      expect(parseApiKeys(text).problems).toEqual([
        expect.stringMatching(/entry 2 \(ann\) gives other rights/),
      ]);
    },
  );

  test('refuses a key twice, under whatever name', () => {
    const text = `ann=${hashOf('a')},bob=${hashOf('a').toUpperCase()},ann=${hashOf('a')}`;
    expect(parseApiKeys(text).problems).toEqual([
      expect.stringContaining('entry 2 (bob) repeats the key of the entry ann'),
      expect.stringContaining('entry 3 (ann) repeats the key of the entry ann'),
    ]);
  });

  test.each([
    'role=reader',
    'role=',
    'role=admin;role=user',
    'ROLE=admin',
    'use-cases=',
    'use-cases=a||b',
    'use-cases=a b',
    'deployments=',
    'deployments=x|',
    'usecases=a',
    'role',
    '=admin',
    '__proto__=admin',
    'constructor=x',
    '',
  ])('refuses the attribute "%s", and lets nobody in by its entry', (attribute) => {
    const { keys, problems } = parseApiKeys(`ann=${hashOf('a')};${attribute}`);
    expect(keys).toEqual([]);
    expect(problems).toEqual([expect.stringContaining('entry 1 (ann)')]);
  });

  test('counts entries as a reader would', () => {
    const { problems } = parseApiKeys(`ann=${hashOf('a')},bob=secret-of-bob`);
    expect(problems).toEqual([expect.stringContaining('entry 2')]);
  });

  test.each([
    'my-secret-key-0123456789',
    'ann=my-secret-key-0123456789',
    `ann=${hashOf('my-secret-key')}ff`,
    `my secret=${hashOf('my-secret-key')}`,
    `=${hashOf('my-secret-key')}`,
    `ann=${hashOf('my-secret-key').slice(1)}`,
    `ann=${hashOf('x')};key=my-secret-key-0123456789`,
    `ann=${hashOf('x')};role=my-secret-key-0123456789`,
    `ann=${hashOf('x')};my-secret-key-0123456789`,
    `ann=${hashOf('x')};use-cases=my-secret-key 0123456789`,
  ])('reports entry %# without a word of what stood there', (entry) => {
    const { keys, problems } = parseApiKeys(entry);
    expect(keys).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(problems.join()).not.toMatch(/secret/);
    expect(problems.join()).not.toContain(hashOf('my-secret-key').slice(1));
  });

  test('finds nothing in an empty text', () => {
    expect(parseApiKeys('')).toEqual({ keys: [], problems: [] });
  });
});

describe('findApiKey', () => {
  const { keys } = parseApiKeys(`ann=${hashOf('key of ann')},bob=${hashOf('key of bob')}`);

  test('finds each key by its text', () => {
    expect(findApiKey(keys, 'key of ann')?.caller.name).toBe('ann');
    expect(findApiKey(keys, 'key of bob')?.caller.name).toBe('bob');
  });

  test.each(['', 'key of ann ', 'KEY OF ANN', hashOf('key of ann'), 'x'.repeat(100_000)])(
    'does not find another text (%#)',
    (presented) => {
      expect(findApiKey(keys, presented)).toBeUndefined();
    },
  );

  test('finds nothing where there are no keys', () => {
    expect(findApiKey([], 'key of ann')).toBeUndefined();
  });
});
