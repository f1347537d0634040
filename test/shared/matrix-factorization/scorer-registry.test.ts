import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../shared/base/errors.ts';
import { findScorer, loadRegistry } from '../../../shared/matrix-factorization/scorer-registry.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-registry-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const quantiles = Array.from({ length: 101 }, (_, index) => index / 100);
const calibration = { id: 'c', data: 'd', rows: 1, strong: 'a', weak: 'b', quantiles };
const entry = {
  id: 'one',
  version: '1',
  file: 'one/scorer.onnx',
  sha256: 'a'.repeat(64),
  embedder: 'any',
  dimensions: 4,
  models: ['a', 'b'],
  defaultPair: { strong: 'a', weak: 'b' },
  trainedOn: 'nothing',
};

async function folderWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(root, 'models-'));
  await writeFile(join(folder, 'registry.json'), text);
  return folder;
}

const loadEntries = async (...scorers: unknown[]) =>
  loadRegistry(await folderWith(JSON.stringify({ scorers })));

test('an entry is read, with figures and calibrations left out', async () => {
  const { scorers } = await loadEntries(entry);
  expect(scorers).toEqual([{ ...entry, figures: {}, calibrations: [] }]);
});

describe('a registry that is wrong', () => {
  test.each([
    ['scorers.0.id', { ...entry, id: 'Has Space' }],
    ['scorers.0.version', { ...entry, version: '' }],
    ['scorers.0.file', { ...entry, file: '' }],
    ['scorers.0.file', { ...entry, file: '../../x' }],
    ['scorers.0.file', { ...entry, file: 'one/../../x' }],
    ['scorers.0.file', { ...entry, file: 'one\\..\\..\\x' }],
    ['scorers.0.file', { ...entry, file: '/etc/x' }],
    ['scorers.0.sha256', { ...entry, sha256: 'abc' }],
    ['scorers.0.dimensions', { ...entry, dimensions: 0 }],
    ['scorers.0.dimensions', { ...entry, dimensions: 1.5 }],
    ['scorers.0.models', { ...entry, models: ['a'] }],
    ['scorers.0.defaultPair.weak', { ...entry, defaultPair: { strong: 'a' } }],
    [
      'scorers.0.calibrations.0.quantiles',
      { ...entry, calibrations: [{ ...calibration, quantiles: quantiles.slice(1) }] },
    ],
    [
      'scorers.0.calibrations.0.quantiles.3',
      { ...entry, calibrations: [{ ...calibration, quantiles: quantiles.with(3, 1.1) }] },
    ],
    [
      'scorers.0.calibrations.0.quantiles',
      { ...entry, calibrations: [{ ...calibration, quantiles: quantiles.toReversed() }] },
    ],
  ])('names the field %s', async (field, wrong) => {
    const error: unknown = await loadEntries(wrong).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toContain(`registry.json: ${field}: `);
  });

  test('names every bad field in one error', async () => {
    const error: unknown = await loadEntries({ ...entry, id: '', dimensions: 0 }, 7).catch(
      (caught: unknown) => caught,
    );
    expect(error).toHaveProperty('problems.length', 3);
  });

  test.each(['', '{', 'null', '[]', '{"scorers":{}}'])('is refused as %j', async (text) => {
    await expect(loadRegistry(await folderWith(text))).rejects.toBeInstanceOf(ConfigError);
  });

  test('is refused if the file is missing', async () => {
    await expect(loadRegistry(join(root, 'nowhere'))).rejects.toThrow(
      /registry\.json cannot be read/,
    );
  });
});

describe('findScorer', () => {
  test('finds by id, and by id and version', async () => {
    const registry = await loadEntries(entry, { ...entry, id: 'two', version: '7' });
    expect(findScorer(registry, 'two').version).toBe('7');
    expect(findScorer(registry, 'two@7').id).toBe('two');
  });

  test('by id alone finds the active version, else the first one', async () => {
    const versions = ['1', '2', '3'].map((version) => ({ ...entry, version }));
    expect(findScorer(await loadEntries(...versions), 'one').version).toBe('1');
    const marked = versions.with(1, { ...entry, version: '2', active: true } as typeof entry);
    expect(findScorer(await loadEntries(...marked), 'one').version).toBe('2');
    expect(findScorer(await loadEntries(...marked), 'one@3').version).toBe('3');
  });

  test('does not choose between two active versions', async () => {
    const both = ['1', '2'].map((version) => ({ ...entry, version, active: true }));
    await expect(loadEntries(...both)).rejects.toMatchObject({
      problems: [expect.stringMatching(/scorers: only one version of "one" can be active/)],
    });
  });

  test.each(['three', 'two@1', 'two@', '@7', ''])('lists what there is for "%s"', async (name) => {
    const registry = await loadEntries(entry, { ...entry, id: 'two', version: '7' });
    expect(() => findScorer(registry, name)).toThrow('Known: one@1, two@7.');
  });

  test('says where the name stands', () => {
    const named = (place?: string) => () => findScorer({ scorers: [] }, 'x', place);
    expect(named('ROUTER_SCORER')).toThrow('ROUTER_SCORER names "x"');
    expect(named()).toThrow('--scorer names "x"');
  });

  test('says that the registry is empty', () => {
    expect(() => findScorer({ scorers: [] }, 'x')).toThrow('Known: none.');
  });
});
