import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { cacheKey } from '../../../shared/prompt-embedding/cache-key.ts';

test('a key is 64 hex digits of SHA-256 over embedder and text', () => {
  const expected = createHash('sha256').update('embedder\0text').digest('hex');
  expect(cacheKey('embedder', 'text')).toBe(expected);
});

test('keys differ by embedder, text and secret', () => {
  const keys = [
    cacheKey('a', 'text'),
    cacheKey('b', 'text'),
    cacheKey('a', 'text '),
    cacheKey('a', 'Text'),
    cacheKey('a', ''),
    cacheKey('at', 'ext'),
    cacheKey('a', 'text', 'secret'),
    cacheKey('a', 'text', 'other'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/);
});

test('a key is the same for the same text', () => {
  expect(cacheKey('a', 'né 🎉', 's')).toBe(cacheKey('a', 'né 🎉', 's'));
});
