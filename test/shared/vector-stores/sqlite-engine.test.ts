import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSqliteEngine } from '../../../shared/vector-stores/sqlite-engine.ts';
import type { VectorEngine } from '../../../shared/vector-stores/vector-engine.ts';
import { describeVectorEngine, item } from '../../contracts/vector-engine-contract.ts';
import { defaultLimit } from '../../support/call-limits.ts';

let folder: string;
let engine: VectorEngine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smart-router-vectors-'));
  engine = createSqliteEngine(join(folder, 'vectors.sqlite'), defaultLimit);
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

describeVectorEngine('sqlite-vec', () => engine);

describe('the file', () => {
  const place = { id: 'vs_kept', dimensions: 6 };

  test('keeps items across restarts, and for two engines at the same time', async () => {
    const file = join(folder, 'kept.sqlite');
    const first = createSqliteEngine(file, defaultLimit);
    const second = createSqliteEngine(file, defaultLimit);
    await Promise.all([first.upsert(place, [item('a', 1)]), second.upsert(place, [item('b', 2)])]);
    expect(await first.count(place)).toBe(2);
    await Promise.all([first.close(), second.close()]);
    const again = createSqliteEngine(file, defaultLimit);
    expect(await again.get(place, 'b')).toEqual(item('b', 2));
    await again.close();
  });

  test('is created once when many engines open it concurrently', async () => {
    for (let round = 0; round < 3; round += 1) {
      const file = join(folder, `new-${round}.sqlite`);
      const engines = Array.from({ length: 6 }, () => createSqliteEngine(file, defaultLimit));
      await Promise.all(
        engines.map((engine, index) => engine.upsert(place, [item(`i${index}`, 1)])),
      );
      expect(await engines[0]?.count(place)).toBe(6);
      await Promise.all(engines.map((engine) => engine.close()));
    }
  });

  test('has no item of a call in which one item fails', async () => {
    const file = join(folder, 'whole.sqlite');
    const own = createSqliteEngine(file, defaultLimit);
    const broken = { ...item('b', 2), embedding: new Float32Array(0) };
    await expect(own.upsert(place, [item('a', 1), broken])).rejects.toThrow();
    expect(await own.count(place)).toBe(0);
    await own.close();
  });

  test('that cannot be opened makes each call fail, and is tried again', async () => {
    const own = createSqliteEngine(join(folder, 'no/such/folder/x.sqlite'), defaultLimit);
    await expect(own.count(place)).rejects.toThrow();
    await expect(own.count(place)).rejects.toThrow();
    await own.close();
  });
});

test('finds nearly the same neighbours by their bits as an exact search', async () => {
  const dimensions = 256;
  const place = { id: 'vs_many', dimensions };
  let seed = 1;
  const random = () => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return seed / 2 ** 32 - 0.5;
  };
  const vectors = Array.from({ length: 5_000 }, () =>
    Float32Array.from({ length: dimensions }, random),
  );
  for (let first = 0; first < vectors.length; first += 1_000) {
    const items = vectors
      .slice(first, first + 1_000)
      .map((embedding, index) => ({ ...item(`${first + index}`, 0), embedding }));
    await engine.upsert(place, items);
  }
  const cosine = (a: Float32Array, b: Float32Array) => {
    let [dot, aa, bb] = [0, 0, 0];
    for (const [index, one] of a.entries()) {
      const other = b[index] ?? 0;
      dot += one * other;
      aa += one * one;
      bb += other * other;
    }
    return dot / Math.sqrt(aa * bb);
  };
  let found = 0;
  const queries = 20;
  for (let query = 0; query < queries; query += 1) {
    const embedding = Float32Array.from({ length: dimensions }, random);
    const exact = vectors
      .map((vector, index) => [cosine(embedding, vector), String(index)] as const)
      .toSorted(([a], [b]) => b - a)
      .slice(0, 10)
      .map(([, id]) => id);
    const hits = await engine.search(place, { embedding, limit: 10 });
    found += hits.filter(({ id }) => exact.includes(id)).length;
  }
  // Random vectors are the hardest case.
  expect(found / (10 * queries)).toBeGreaterThan(0.9);
});
