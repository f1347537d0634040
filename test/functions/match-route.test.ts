import { describe, expect, test } from 'vitest';
import { createMatchRoute } from '../../functions/http/match-route.ts';

const match = createMatchRoute([
  { path: 'health', method: 'GET' },
  { path: 'llm/things', method: 'GET' },
  { path: 'llm/things', method: 'POST' },
  { path: 'llm/things/{name}', method: 'GET' },
  { path: 'llm/things/{id}/parts/{part}', method: 'DELETE' },
]);

describe('a route', () => {
  test.each([
    ['GET', '/health', 'health', {}],
    ['GET', '/health/', 'health', {}],
    ['GET', '/HEALTH', 'health', {}],
    ['POST', '/llm/things', 'llm/things', {}],
    ['GET', '/llm/things/one', 'llm/things/{name}', { name: 'one' }],
    ['GET', '/llm/things/A%20b', 'llm/things/{name}', { name: 'A b' }],
    ['GET', '/llm/things/a%2Fb', 'llm/things/{name}', { name: 'a%2Fb' }],
    ['GET', '/llm/things/%zz', 'llm/things/{name}', { name: '%zz' }],
    // Parameters in the same place have different names in different routes.
    ['DELETE', '/llm/things/1/parts/2', 'llm/things/{id}/parts/{part}', { id: '1', part: '2' }],
  ])('is found for %s %s', (method, path, found, params) => {
    expect(match(method, path)).toMatchObject({ route: { path: found, method }, params });
  });

  test.each([
    ['POST', '/health'],
    ['HEAD', '/health'],
    ['GET', '/'],
    ['GET', '/llm'],
    ['GET', '//health'],
    ['GET', '/llm/things//'],
    ['GET', '/llm/things/one/two'],
    ['GET', '/__proto__'],
    ['GET', 'http://example.com/health'],
    ['DELETE', '/llm/things/1/parts'],
  ])('is none for %s %s', (method, path) => {
    expect(match(method, path)).toBeUndefined();
  });
});
