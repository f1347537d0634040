import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { findApiKey, parseApiKeys } from '../../shared/api-keys.ts';

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

describe('parseApiKeys', () => {
  test('reads names and hashes, in order', () => {
    const { keys, problems } = parseApiKeys(`ann=${hashOf('a')},bob=${hashOf('b')}`);
    expect(problems).toEqual([]);
    expect(keys.map(({ name }) => name)).toEqual(['ann', 'bob']);
    expect(keys[1]?.sha256.toString('hex')).toBe(hashOf('b'));
  });

  test('takes spaces and line breaks around entries, upper-case digits and an empty last entry', () => {
    const { keys, problems } = parseApiKeys(` ann=${hashOf('a').toUpperCase()} ,\n `);
    expect(problems).toEqual([]);
    expect(keys).toHaveLength(1);
  });

  test('takes the admin role', () => {
    expect(parseApiKeys(`ann=${hashOf('a')};role=admin`).problems).toEqual([]);
  });

  test.each([
    'role=reader',
    'use-cases=a|b',
    'deployments=x',
    'role=admin;use-cases=a',
    'ROLE=admin',
  ])('refuses the attribute %s, which nothing enforces', (attribute) => {
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
    expect(findApiKey(keys, 'key of ann')?.name).toBe('ann');
    expect(findApiKey(keys, 'key of bob')?.name).toBe('bob');
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
