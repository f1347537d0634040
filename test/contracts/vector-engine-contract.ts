import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Attributes } from '../../shared/vector-stores/attributes.ts';
import type { Filter } from '../../shared/vector-stores/filter.ts';
import type { Place, VectorEngine } from '../../shared/vector-stores/vector-engine.ts';
import type { VectorItem } from '../../shared/vector-stores/vector-store.ts';

const DIMENSIONS = 6;

/** A vector in the plane of the first two dimensions, at so many degrees. */
export function at(degrees: number, dimensions = DIMENSIONS): Float32Array {
  const vector = new Float32Array(dimensions);
  vector[0] = Math.cos((degrees * Math.PI) / 180);
  vector[1] = Math.sin((degrees * Math.PI) / 180);
  return vector;
}

export function item(id: string, degrees: number, attributes: Attributes = {}): VectorItem {
  return {
    id,
    embedding: at(degrees),
    text: `text of ${id}`,
    attributes,
    createdAt: 1_795_700_000_000,
  };
}

/** What every engine must do. `getEngine` is asked in each test; stores are of this suite's own. */
export function describeVectorEngine(name: string, getEngine: () => VectorEngine): void {
  const start = () => {
    const engine = getEngine();
    const place: Place = { id: `vs_${randomUUID().replaceAll('-', '')}`, dimensions: DIMENSIONS };
    const write = (items: readonly VectorItem[]) => engine.upsert(place, items);
    const find = async (degrees: number, filter?: Filter, limit = 10) => {
      const query = { embedding: at(degrees), limit, ...(filter && { filter }) };
      return (await engine.search(place, query)).map(({ id }) => id);
    };
    return { engine, place, write, find };
  };

  describe(`${name}: items`, () => {
    test('are kept whole, found by their id, replaced and removed', async () => {
      const { engine, place, write } = start();
      const first = item('a/ü', 10, { topic: 'x', year: 2026.5, isGood: true });
      await write([first, { ...item('b', 20), attributes: {} }]);
      expect(await engine.get(place, 'a/ü')).toEqual(first);
      expect(await engine.get(place, 'c')).toBeUndefined();
      const { text: _, ...second } = item('a/ü', 30, { year: 7 });
      await write([second]);
      expect(await engine.get(place, 'a/ü')).toEqual(second);
      expect(await engine.count(place)).toBe(2);
      expect(await engine.remove(place, 'a/ü')).toBe(true);
      expect(await engine.remove(place, 'a/ü')).toBe(false);
      expect(await engine.get(place, 'a/ü')).toBeUndefined();
      expect(await engine.count(place)).toBe(1);
    });

    test('may be a thousand at once, and the same one twice, of which the last one stays', async () => {
      const { engine, place, write } = start();
      const many = Array.from({ length: 999 }, (_, index) => item(`i${index}`, index / 10));
      await write([...many, item('i0', 90)]);
      expect(await engine.count(place)).toBe(999);
      expect((await engine.get(place, 'i0'))?.embedding).toEqual(at(90));
    });
  });

  describe(`${name}: a search`, () => {
    test('gives the nearest by cosine, with their scores, the nearest first', async () => {
      const { engine, place, write } = start();
      const long = { ...item('long', 40), embedding: at(40).map((one) => one * 9) };
      await write([item('far', 180), item('near', 2), long, item('mid', 20)]);
      const hits = await engine.search(place, { embedding: at(0), limit: 3 });
      expect(hits.map(({ id }) => id)).toEqual(['near', 'mid', 'long']);
      for (const [index, degrees] of [2, 20, 40].entries()) {
        expect(hits[index]?.score).toBeCloseTo(Math.cos((degrees * Math.PI) / 180), 4);
      }
      expect(hits[0]).toMatchObject({ text: 'text of near', createdAt: 1_795_700_000_000 });
      expect(hits[0]).not.toHaveProperty('embedding');
    });

    test('finds nothing in an empty store, nor what is in another one', async () => {
      const { engine, place, find } = start();
      const other = { ...place, id: `vs_${randomUUID().replaceAll('-', '')}` };
      await engine.upsert(other, [item('a', 0)]);
      expect(await find(0)).toEqual([]);
      expect(await engine.count(place)).toBe(0);
      expect(await engine.get(place, 'a')).toBeUndefined();
      expect(await engine.remove(place, 'a')).toBe(false);
      await engine.removeStore(other);
      expect(await engine.count(other)).toBe(0);
    });

    const eq = (key: string, value: string | number | boolean) =>
      ({ type: 'eq', key, value }) as const;
    test.each<[string, Filter, string[]]>([
      ['eq of a text', eq('topic', "o'x"), ['b']],
      ['eq of a number', eq('year', 2025), ['b']],
      ['eq of a boolean', eq('isGood', false), ['b']],
      ['eq of what nothing has', eq('topic', 'none'), []],
      ['ne, which what lacks it is, too', { type: 'ne', key: 'topic', value: 'x' }, ['b', 'c']],
      ['gt', { type: 'gt', key: 'year', value: 2024.5 }, ['b']],
      ['gte', { type: 'gte', key: 'year', value: 2024 }, ['a', 'b']],
      ['lt of a text', { type: 'lt', key: 'topic', value: 'x' }, ['b']],
      ['lte', { type: 'lte', key: 'year', value: 2024 }, ['a']],
      ['in', { type: 'in', key: 'topic', value: ['x', 'y'] }, ['a']],
      ['in of numbers', { type: 'in', key: 'year', value: [1, 2025] }, ['b']],
      ['nin, which what lacks it is, too', { type: 'nin', key: 'year', value: [2025] }, ['a', 'c']],
      ['a key with a space and a dot', eq('a key.of mine', 1), ['c']],
      ['and', { type: 'and', filters: [eq('topic', 'x'), eq('year', 2025)] }, []],
      ['or', { type: 'or', filters: [eq('topic', 'x'), eq('year', 2025)] }, ['a', 'b']],
      [
        'one in the other',
        {
          type: 'and',
          filters: [
            { type: 'or', filters: [eq('isGood', true), eq('isGood', false)] },
            { type: 'gt', key: 'year', value: 2024 },
          ],
        },
        ['b'],
      ],
    ])('is filtered by %s', async (_, filter, expected) => {
      const { write, find } = start();
      await write([
        item('a', 1, { topic: 'x', year: 2024, isGood: true }),
        item('b', 2, { topic: "o'x", year: 2025, isGood: false }),
        item('c', 3, { 'a key.of mine': 1 }),
      ]);
      expect((await find(0, filter)).toSorted()).toEqual(expected);
    });

    test('filters before it takes the nearest', async () => {
      const { write, find } = start();
      const near = Array.from({ length: 300 }, (_, index) => item(`n${index}`, index / 100));
      await write([...near, item('wanted', 170, { wanted: true })]);
      expect(await find(0, eq('wanted', true), 1)).toEqual(['wanted']);
    });
  });
}
