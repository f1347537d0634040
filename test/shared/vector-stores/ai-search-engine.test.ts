import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAiSearchEngine } from '../../../shared/vector-stores/ai-search-engine.ts';
import type { VectorEngine } from '../../../shared/vector-stores/vector-engine.ts';
import {
  SEARCH_KEY,
  type SearchSimulator,
  startSearchSimulator,
} from '../../../tools/search-simulator/search-simulator.ts';
import { describeVectorEngine, item } from '../../contracts/vector-engine-contract.ts';
import { defaultLimit } from '../../support/call-limits.ts';

let simulator: SearchSimulator;
let engine: VectorEngine;
beforeAll(async () => {
  simulator = await startSearchSimulator();
  engine = createEngine(SEARCH_KEY);
});
afterAll(() => simulator.close());

function createEngine(apiKey: string): VectorEngine {
  return createAiSearchEngine({
    limit: defaultLimit,
    endpoint: simulator.url,
    apiKey,
    indexPrefix: 'smart-router',
    loadCredential: () => Promise.reject(new Error('No token is needed.')),
  });
}

describeVectorEngine('Azure AI Search', () => engine);

describe('the service', () => {
  const place = { id: 'vs_service', dimensions: 1_536 };
  const wide = (id: string) => ({
    ...item(id, 0),
    embedding: new Float32Array(1_536).fill(0.123_456),
  });

  test('is sent batches that it accepts, into one index per number of dimensions', async () => {
    await engine.upsert(
      place,
      Array.from({ length: 1_000 }, (_, index) => wide(`i${index}`)),
    );
    expect(await engine.count(place)).toBe(1_000);
    await engine.removeStore(place);
    expect(await engine.count(place)).toBe(0);
    const made = simulator.requests.filter((one) => one.startsWith('PUT'));
    expect(made.filter((one) => one.endsWith("('smart-router-1536')"))).toHaveLength(1);
  });

  test('is called again when it is busy, and its refusal is an error', async () => {
    simulator.fail(1);
    await engine.upsert(place, [wide('a')]);
    simulator.fail(10);
    await expect(engine.count(place)).rejects.toThrow();
    simulator.fail(0);
    await expect(createEngine('wrong').count(place)).rejects.toMatchObject({ statusCode: 403 });
  });
});
