import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import { loadRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from '../../tools/command-line/input-error.ts';
import { toScorerFactors } from '../../tools/model/routellm-scorer.ts';
import { parseSafetensors } from '../../tools/model/safetensors.ts';
import {
  assembleSafetensors,
  createRouteLlmWeights,
  toSafetensors,
  writeRouteLlmWeights,
} from '../fakes/routellm-weights.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';

const embedder = 'azure-openai/text-embedding-3-small';
const root = await mkdtemp(join(tmpdir(), 'smart-router-import-'));
const weightsPath = join(root, 'model.safetensors');
afterAll(() => rm(root, { recursive: true, force: true }));
beforeAll(async () => {
  await writeRouteLlmWeights(weightsPath, { seed: 3 });
});

let folders = 0;
function newFolder(): string {
  folders += 1;
  return join(root, `models-${folders}`);
}

function importTo(folder: string, ...args: readonly string[]): Promise<ToolResult> {
  return runTool('model-import', ['--embedder', embedder, '--models-folder', folder, ...args]);
}

describe('model:import', () => {
  test('registers a scorer that loads and predicts, and prints its entry', async () => {
    const folder = newFolder();
    const { code, stdout } = await importTo(folder, weightsPath);
    expect(code).toBe(0);
    const [entry] = (await loadRegistry(folder)).scorers;
    if (entry === undefined) throw new Error('nothing was registered');
    expect(JSON.parse(stdout)).toEqual(entry);
    expect(entry).toMatchObject({
      id: 'routellm',
      embedder,
      dimensions: 1536,
      file: 'routellm/1/scorer.onnx',
      active: true,
      defaultPair: { strong: 'gpt-4-1106-preview', weak: 'mixtral-8x7b-instruct-v0.1' },
    });
    expect(entry.models).toHaveLength(64);
    const scorer = await load(entry, folder);
    const embedding = new Float32Array(1536).fill(1 / Math.sqrt(1536));
    const winRate = await scorer.predictWinRate(embedding, entry.defaultPair);
    expect(winRate).toBeGreaterThan(0);
    expect(winRate).toBeLessThan(1);
    expect(await readdir(join(folder, 'routellm/1'))).toEqual(['scorer.onnx']);
  });

  test('with --replace keeps calibrations and other scorers when the same weights are imported again, and drops the calibrations with other weights', async () => {
    const folder = newFolder();
    await importTo(folder, weightsPath);
    await importTo(folder, weightsPath, '--id', 'second');
    const path = join(folder, 'registry.json');
    const registry = JSON.parse(await readFile(path, 'utf8'));
    registry.scorers[0].calibrations = [
      { id: 'own', data: 'own', rows: 5, strong: 'a', weak: 'b', quantiles: Array(101).fill(0.5) },
    ];
    await writeFile(path, JSON.stringify(registry));
    await importTo(folder, weightsPath, '--replace');
    const kept = (await loadRegistry(folder)).scorers;
    expect(kept.map(({ id }) => id)).toEqual(['routellm', 'second']);
    expect(kept[0]?.calibrations).toHaveLength(1);
    const otherPath = join(root, 'other.safetensors');
    await writeRouteLlmWeights(otherPath, { seed: 4 });
    await importTo(folder, otherPath, '--replace');
    const replaced = (await loadRegistry(folder)).scorers;
    expect(replaced.map(({ id }) => id)).toEqual(['routellm', 'second']);
    expect(replaced[0]?.calibrations).toEqual([]);
    expect(replaced[0]?.sha256).not.toBe(kept[0]?.sha256);
  });

  test('takes the names and the number of models from --models', async () => {
    const folder = newFolder();
    const path = join(root, 'three.safetensors');
    await writeFile(
      path,
      toSafetensors(createRouteLlmWeights({ seed: 5, modelCount: 3, dimensions: 8 })),
    );
    const names = join(root, 'names.json');
    await writeFile(names, JSON.stringify(['a', 'b', 'c']));
    const args = [path, '--models', names, '--strong', 'c', '--weak', 'a', '--embedder', 'mine/1'];
    expect(await importTo(folder, ...args)).toMatchObject({ code: 0 });
    const [entry] = (await loadRegistry(folder)).scorers;
    expect(entry).toMatchObject({ models: ['a', 'b', 'c'], dimensions: 8, embedder: 'mine/1' });
  });

  test('shows how it is called', async () => {
    const { code, stdout } = await runTool('model-import', ['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('--embedder');
  });
});

const small = createRouteLlmWeights({ seed: 6, modelCount: 64, dimensions: 1536 });
const good = toSafetensors(small);
const headerLength = Number(good.readBigUInt64LE(0));
const goodHeader = good.subarray(8, 8 + headerLength).toString();
const goodData = good.subarray(8 + headerLength);

function withHeader(change: (header: Record<string, Record<string, unknown>>) => void): Buffer {
  const header = JSON.parse(goodHeader);
  change(header);
  return assembleSafetensors(JSON.stringify(header), goodData);
}

function withNaN(): Buffer {
  const bytes = Buffer.from(good);
  bytes.writeFloatLE(Number.NaN, bytes.length - 4);
  return bytes;
}

function withLength(length: bigint): Buffer {
  const bytes = Buffer.from(good);
  bytes.writeBigUInt64LE(length);
  return bytes;
}

const HOSTILE: readonly [name: string, bytes: Buffer, message: RegExp][] = [
  ['is empty', Buffer.alloc(0), /too short/],
  ['is cut in the header', good.subarray(0, 50), /truncated/],
  ['is cut in the data', good.subarray(0, good.length - 10), /truncated/],
  ['has bytes after its data', Buffer.concat([good, Buffer.alloc(4)]), /after its last tensor/],
  ['announces a huge header', withLength(2n ** 63n), /header has 9223372036854775808 bytes/],
  ['has a header that is not JSON', assembleSafetensors('{"P.weight":', goodData), /not JSON/],
  ['has a header that is a list', assembleSafetensors('[]', goodData), /not a JSON object/],
  [
    'has a tensor twice',
    assembleSafetensors(goodHeader.replace(/}$/, ',"P.weight":{}}'), goodData),
    /twice/,
  ],
  [
    'has a tensor named __proto__',
    assembleSafetensors(goodHeader.replace('"P.weight"', '"__proto__"'), goodData),
    /__proto__/,
  ],
  [
    'lacks a tensor',
    withHeader((header) => {
      header['Q.weight'] = header['P.weight'] ?? {};
      delete header['P.weight'];
    }),
    /Q\.weight/,
  ],
  ['has no tensor', assembleSafetensors('{}', Buffer.alloc(0)), /missing/],
  [
    'has float16 weights',
    withHeader((header) => Object.assign(header['P.weight'] ?? {}, { dtype: 'F16' })),
    /F32/,
  ],
  [
    'has negative offsets',
    withHeader((header) => Object.assign(header['P.weight'] ?? {}, { data_offsets: [-4, 32764] })),
    /data_offsets/,
  ],
  [
    'has offsets beyond its end',
    withHeader((header) =>
      Object.assign(header['P.weight'] ?? {}, { data_offsets: [9e8, 9e8 + 32768] }),
    ),
    /damaged/,
  ],
  [
    'has overlapping tensors',
    withHeader((header) =>
      Object.assign(header['classifier.0.weight'] ?? {}, { data_offsets: [0, 512] }),
    ),
    /overlaps/,
  ],
  [
    'has offsets that do not fit the shape',
    withHeader((header) => Object.assign(header['P.weight'] ?? {}, { shape: [64, 127] })),
    /needs 32512 bytes/,
  ],
  [
    'has a transposed projection',
    withHeader((header) =>
      Object.assign(header['text_proj.0.weight'] ?? {}, { shape: [1536, 128] }),
    ),
    /must have the shape \[128, 1536\]/,
  ],
  [
    'has a shape of three dimensions',
    withHeader((header) => Object.assign(header['P.weight'] ?? {}, { shape: [64, 64, 2] })),
    /shape/,
  ],
  [
    'has another number of models',
    toSafetensors(createRouteLlmWeights({ seed: 1, modelCount: 63 })),
    /must have the shape \[64, 128\]/,
  ],
  [
    "has another embedder's dimensions",
    toSafetensors(createRouteLlmWeights({ seed: 1, dimensions: 768 })),
    /must have the shape \[128, 1536\]/,
  ],
  ['has a weight that is not a number', withNaN(), /not a finite number/],
];

function read(bytes: Buffer): unknown {
  return toScorerFactors(parseSafetensors(bytes), { models: 64, dimensions: 1536 });
}

describe('a weights file is refused that', () => {
  test.each(HOSTILE)('%s', (_, bytes, message) => {
    expect(() => read(bytes)).toThrow(message);
    expect(() => read(bytes)).toThrow(InputError);
  });

  test('differs from this one, which is taken', () => {
    expect(() => read(good)).not.toThrow();
  });
});

describe('model:import refuses, in one line and without a trace, a file that', () => {
  const names = ['is empty', 'has a tensor named __proto__', 'has a weight that is not a number'];
  test.each(HOSTILE.filter(([name]) => names.includes(name)))('%s', async (_, bytes, message) => {
    const folder = newFolder();
    const path = join(root, 'hostile.safetensors');
    await writeFile(path, bytes);
    const { code, stdout, stderr } = await importTo(folder, path);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(existsSync(folder)).toBe(false);
  });
});

describe('model:import leaves an earlier scorer as it was', () => {
  test('when the new file is refused', async () => {
    const folder = newFolder();
    await importTo(folder, weightsPath);
    const before = await snapshot(folder);
    const path = join(root, 'cut.safetensors');
    await writeFile(path, good.subarray(0, 1000));
    expect(await importTo(folder, path)).toMatchObject({ code: 2 });
    expect(await snapshot(folder)).toEqual(before);
  });

  test('when the registry is not one', async () => {
    const folder = newFolder();
    await importTo(folder, weightsPath);
    await writeFile(join(folder, 'registry.json'), '{"scorers": 1}');
    const before = await snapshot(folder);
    const { code, stderr } = await importTo(folder, weightsPath);
    expect(code).toBe(2);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(await snapshot(folder)).toEqual(before);
  });
});

async function snapshot(folder: string): Promise<Record<string, string>> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const contents = files
    .filter((file) => file.isFile())
    .map(async (file) => {
      const path = join(file.parentPath, file.name);
      return [path, await readFile(path, 'base64')];
    });
  return Object.fromEntries(await Promise.all(contents));
}

describe.concurrent('model:import refuses', () => {
  test.each([
    ['no weights', [], /--from-hub/],
    ['an unknown option', [weightsPath, '--nonsense'], /nonsense/],
    ['an id that leaves the folder', [weightsPath, '--id', '../outside'], /id/],
    ['a pair that the models do not have', [weightsPath, '--strong', 'nobody'], /nobody/],
    ['a file that is not there', [join(root, 'nothing')], /cannot be read/],
    ['a repository name that is a path', ['--from-hub', '../../x'], /owner\/name/],
    [
      'a revision that is a path',
      ['--from-hub', 'a/b', '--revision', '../x'],
      /--revision must be/,
    ],
    ['a revision of a file', [weightsPath, '--revision', 'main'], /goes with --from-hub/],
    [
      'a file of another hash',
      [weightsPath, '--sha256', 'f'.repeat(64)],
      /SHA-256 is .*, but must be f{64}/,
    ],
    ['a hash that is none', [weightsPath, '--sha256', 'abc'], /64 hexadecimal digits/],
  ])('%s', async (_, args, message) => {
    const folder = newFolder();
    const { code, stderr } = await importTo(folder, ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(existsSync(folder)).toBe(false);
  });
});

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function startHub(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

describe('model:import --from-hub', () => {
  test('fetches the weights of a repository', async () => {
    const asked: (string | undefined)[] = [];
    const hub = await startHub((request, response) => {
      asked.push(request.url);
      response.end(good);
    });
    const folder = newFolder();
    const result = await importTo(folder, '--from-hub', 'owner/name', '--hub', hub);
    expect(result).toMatchObject({ code: 0 });
    expect(asked).toEqual(['/owner/name/resolve/main/model.safetensors']);
    expect((await loadRegistry(folder)).scorers).toHaveLength(1);
  });

  test('fetches the weights of a commit or a branch', async () => {
    const asked: (string | undefined)[] = [];
    const hub = await startHub((request, response) => {
      asked.push(request.url);
      response.end(good);
    });
    const folder = newFolder();
    const source = ['--from-hub', 'owner/name', '--revision', 'branches/new', '--hub', hub];
    const pinned = ['--sha256', sha256Of(good).toUpperCase()];
    expect(await importTo(folder, ...source, ...pinned)).toMatchObject({ code: 0 });
    expect(asked).toEqual(['/owner/name/resolve/branches%2Fnew/model.safetensors']);
    const [entry] = (await loadRegistry(folder)).scorers;
    expect(entry?.trainedOn).toContain('owner/name at branches/new');
  });

  test('refuses a file of another hash, and names both', async () => {
    const hub = await startHub((_, response) => response.end(good));
    const folder = newFolder();
    const source = ['--from-hub', 'owner/name', '--hub', hub, '--sha256', '0'.repeat(64)];
    const { code, stderr } = await importTo(folder, ...source);
    expect(stderr).toContain(sha256Of(good));
    expect(stderr).toContain('0'.repeat(64));
    expect(code).toBe(2);
    expect(existsSync(folder)).toBe(false);
  });

  test.each<[string, RequestListener, RegExp, timeoutSeconds?: string]>([
    ['has no such file', (_, response) => response.writeHead(404).end(), /answered 404/],
    [
      'announces too much',
      (_, response) => response.writeHead(200, { 'content-length': 2 ** 40 }).flushHeaders(),
      /too large/,
    ],
    [
      'sends without an end',
      (_, response) => {
        const chunk = Buffer.alloc(1024 * 1024);
        const send = (): void => {
          while (!response.destroyed && response.write(chunk)) {}
        };
        response.on('drain', send);
        send();
      },
      /too large/,
    ],
    [
      'breaks off',
      (_, response) => {
        response.writeHead(200, { 'content-length': good.length });
        response.write(good.subarray(0, 1000), () => response.destroy());
      },
      /cannot be fetched/,
    ],
    ['says nothing', () => {}, /cannot be fetched/, '1'],
  ])('refuses a hub that %s', async (_, listener, message, timeoutSeconds = '25') => {
    const hub = await startHub(listener);
    const folder = newFolder();
    const args = ['--from-hub', 'owner/name', '--hub', hub, '--timeout-seconds', timeoutSeconds];
    const { code, stderr } = await importTo(folder, ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(existsSync(folder)).toBe(false);
  });
});
