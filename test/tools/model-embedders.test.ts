import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import {
  ENCODER_EMBEDDER,
  insertSentence,
} from '../../shared/prompt-embedding/encoder-embedder.ts';
import { LOCAL_EMBEDDER, loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import { loadEncoder } from '../../shared/sentence-encoder/encoder-files.ts';
import { InputError } from '../../tools/command-line/input-error.ts';
import { simulatorSettings } from '../../tools/local-services/local-services.ts';
import { openEmbedder } from '../../tools/model/embedders.ts';
import { startSimulator } from '../../tools/upstream-simulator/simulator.ts';

const AZURE = 'azure-openai/text-embedding-3-small';
const simulator = await startSimulator({
  deployments: [
    { name: 'embedding', model: 'text-embedding-3-small', kind: 'embeddings', dimensions: 8 },
    { name: 'chat', model: 'gpt-5.6-luna', kind: 'chat' },
  ],
  apiKey: 'the-key',
});
const folder = await mkdtemp(join(tmpdir(), 'smart-router-embedders-'));
afterAll(async () => {
  await simulator.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => simulator.reset());

const env = { ...simulatorSettings(simulator.url), AZURE_OPENAI_API_KEY: 'the-key' };

type Options = Partial<Parameters<typeof openEmbedder>[0]>;
type Prompt = { readonly id: string; readonly text: string };

async function embed(prompts: readonly Prompt[], options: Options = {}): Promise<Float32Array[]> {
  const embedder = await openEmbedder({ embedder: AZURE, env, ...options });
  try {
    const embeddings: Float32Array[] = [];
    for await (const embedding of embedder.embedAll(prompts)) embeddings.push(embedding);
    return embeddings;
  } finally {
    await embedder.close();
  }
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return error instanceof InputError ? error.message : '';
}

function numbered(count: number, text = 'What is'): Prompt[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${index}`,
    text: `${text} ${index}`,
  }));
}

function texts(prompts: readonly Prompt[]): string[] {
  return prompts.map(({ text }) => text);
}

/** Returns the texts of each request so far. */
function asked(): string[][] {
  return simulator.requests.map(({ body }) => (body as { input: string[] }).input);
}

/** Returns the number of texts of each request. Requests are concurrent and arrive in any order. */
function sizes(): number[] {
  return asked()
    .map(({ length }) => length)
    .sort((one, other) => other - one);
}

let files = 0;
function newFile(extension = 'jsonl'): string {
  files += 1;
  return join(folder, `${files}.${extension}`);
}

async function fileOf(lines: readonly unknown[]): Promise<string> {
  const path = newFile();
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('an embedding deployment', () => {
  test('gets many prompts in few requests, and their embeddings come in order', async () => {
    const prompts = numbered(600);
    const embeddings = await embed(prompts);
    expect(embeddings).toHaveLength(600);
    expect(sizes()).toEqual([256, 256, 88]);
    expect(asked().flat().sort()).toEqual(texts(prompts).sort());
    const [alone] = await embed([{ id: 'x', text: 'What is 431' }]);
    expect(embeddings[431]).toEqual(alone);
    expect(new Set(embeddings.map(String)).size).toBe(600);
  });

  test('is asked for a prompt that is there twice once', async () => {
    const [first, , third] = await embed([
      { id: '1', text: 'Hello' },
      { id: '2', text: 'you' },
      { id: '3', text: 'Hello' },
    ]);
    expect(asked()).toEqual([['Hello', 'you']]);
    expect(third).toEqual(first);
  });

  test('gets long prompts cut, and no more of them in a request than it may have tokens', async () => {
    const prompts = numbered(80, 'a b c d '.repeat(5_000));
    expect(await embed(prompts)).toHaveLength(80);
    expect(sizes()).toEqual([36, 36, 8]);
  });

  test.each(['[sim:429:2:10]', '[sim:500:1]', '[sim:cut:0:1]', '[sim:cut:2:1]'])(
    'is asked again after %s',
    async (marker) => {
      const embeddings = await embed([
        ...numbered(300),
        { id: 'x', text: marker },
        { id: 'y', text: 'z' },
      ]);
      expect(embeddings).toHaveLength(302);
      expect(simulator.requests.length).toBeGreaterThan(2);
    },
  );

  test('is asked on as long as other requests get through its quota', async () => {
    const last = { id: 'x', text: '[sim:429:8:40]' };
    expect(await embed([...numbered(256), last])).toHaveLength(257);
    simulator.reset();
    expect(await refusal(embed([last]))).toContain('429');
  });

  test('is waited for as long as it says', async () => {
    const start = Date.now();
    await embed([{ id: 'x', text: '[sim:429:1:1200]' }]);
    expect(Date.now() - start).toBeGreaterThan(1_100);
  });

  test('that always answers 429 is given up, with the advice to come back', async () => {
    const message = await refusal(embed([{ id: 'x', text: 'secret [sim:429::10]' }]));
    expect(message).toMatch(/still answered 429 after 5 retries: run this again later/);
    expect(message).not.toContain('secret');
    expect(simulator.requests).toHaveLength(6);
  });

  test.each([
    [
      'of another name',
      { EMBEDDING_DEPLOYMENT: 'embeding' },
      /"embeding".* answered 404: .*EMBEDDING_DEPLOYMENT/,
    ],
    [
      'that is a chat model',
      { EMBEDDING_DEPLOYMENT: 'chat' },
      /"chat".* answered 400: .*embedding model/,
    ],
    [
      'with a wrong key',
      { AZURE_OPENAI_API_KEY: 'not-the-key' },
      /answered 401: check AZURE_OPENAI_API_KEY/,
    ],
  ])('%s is one clear error, without a second request', async (_, settings, expected) => {
    const path = newFile();
    const options = { env: { ...env, ...settings }, embeddingsFile: path };
    const message = await refusal(embed([{ id: '1', text: 'Hello' }], options));
    expect(message).toMatch(expected);
    expect(message).not.toContain('not-the-key');
    expect(simulator.requests).toHaveLength(1);
    expect(existsSync(path)).toBe(false);
  });

  test('of another length than the scorer takes is one clear error', async () => {
    expect(await refusal(embed(numbered(1), { dimensions: 1536 }))).toMatch(
      /returned 8 dimensions instead of 1536/,
    );
  });

  test('that is not configured is named, with its settings', async () => {
    await expect(embed(numbered(1), { env: {} })).rejects.toMatchObject({
      name: 'ConfigError',
      problems: [
        expect.stringContaining('EMBEDDING_DEPLOYMENT is missing'),
        expect.stringContaining('AZURE_OPENAI_ENDPOINT (or EMBEDDING_ENDPOINT) is missing'),
      ],
    });
  });

  test('of another model than the embedder is refused', async () => {
    const embedder = 'azure-openai/text-embedding-3-large';
    await expect(embed(numbered(1), { embedder })).rejects.toMatchObject({
      problems: [expect.stringMatching(/EMBEDDING_MODEL is "text-embedding-3-small".*3-large/)],
    });
    expect(simulator.requests).toHaveLength(0);
  });

  test('is not given an empty prompt', async () => {
    const message = await refusal(embed([...numbered(1), { id: 'x', text: '' }]));
    expect(message).toMatch(/an empty prompt, which a deployment cannot embed/);
    expect(simulator.requests).toHaveLength(0);
  });

  test('is left in peace once nobody listens', async () => {
    const embedder = await openEmbedder({ embedder: AZURE, env });
    let pulled = 0;
    async function* endless() {
      for (;;) {
        pulled += 1;
        yield { id: `${pulled}`, text: `What is ${pulled}` };
      }
    }
    for await (const embedding of embedder.embedAll(endless())) {
      expect(embedding).toHaveLength(8);
      break;
    }
    expect(pulled).toBeLessThan(2_000);
  });
});

describe('an embeddings file', () => {
  test('is filled, and then gives the same numbers without a call or a setting', async () => {
    const embeddingsFile = newFile();
    const first = await embed(numbered(200), { embeddingsFile });
    simulator.reset();
    expect(await embed(numbered(200), { embeddingsFile, env: {} })).toEqual(first);
    expect(simulator.requests).toHaveLength(0);
    const [header, line] = (await readFile(embeddingsFile, 'utf8')).split('\n');
    expect(JSON.parse(header ?? '')).toEqual({ embedder: AZURE, dimensions: 8 });
    const bytes = Buffer.from(JSON.parse(line ?? '').embedding, 'base64');
    expect(JSON.parse(line ?? '').key).toBe(sha256('What is 0'));
    expect(bytes.readFloatLE(4)).toBe(first[0]?.[1]);
  });

  test('lets a run that was broken off by an error go on without paying again', async () => {
    const embeddingsFile = newFile();
    const prompts = numbered(700);
    prompts[600] = { id: '600', text: 'Hello [sim:401:1]' };
    expect(await refusal(embed(prompts, { embeddingsFile }))).toContain('401');
    const kept = (await readFile(embeddingsFile, 'utf8')).trim().split('\n').length - 1;
    expect(kept).toBe(512);
    const before = simulator.requests.length;
    const resumed = await embed(prompts, { embeddingsFile });
    expect(asked().slice(before)).toEqual([texts(prompts.slice(512))]);
    expect(resumed).toEqual(await embed(prompts));
  });

  test('of a run that was killed while it wrote loses the line that was cut off, and no other', async () => {
    const embeddingsFile = newFile();
    const first = await embed(numbered(10), { embeddingsFile });
    const whole = await readFile(embeddingsFile);
    await truncate(embeddingsFile, whole.length - 20);
    simulator.reset();
    expect(await embed(numbered(10), { embeddingsFile })).toEqual(first);
    expect(asked()).toEqual([['What is 9']]);
    expect(await readFile(embeddingsFile)).toEqual(whole);
  });

  test('is added to for new and changed prompts only', async () => {
    const embeddingsFile = newFile();
    await embed(numbered(3), { embeddingsFile });
    simulator.reset();
    const prompts = [...numbered(3), { id: '3', text: 'new' }];
    prompts[1] = { id: '1', text: 'changed' };
    await embed(prompts, { embeddingsFile });
    expect(asked()).toEqual([['changed', 'new']]);
    simulator.reset();
    await embed(prompts, { embeddingsFile });
    expect(simulator.requests).toHaveLength(0);
  });

  test('from elsewhere may name rows by id and write numbers out, without a last line break', async () => {
    const embeddingsFile = await fileOf([
      { embedder: 'my/model', dimensions: 2 },
      { id: 'b', embedding: [0.5, 2] },
      { id: 'a', embedding: [1, -1], note: 'left alone' },
    ]);
    await truncate(embeddingsFile, (await readFile(embeddingsFile)).length - 1);
    const options = { embedder: 'my/model', embeddingsFile, env: {} };
    const prompts = [
      { id: 'a', text: 'Hello' },
      { id: 'b', text: 'you' },
    ];
    expect(await embed(prompts, options)).toEqual([
      Float32Array.of(1, -1),
      Float32Array.of(0.5, 2),
    ]);
    const twice = [...prompts, { id: 'a', text: 'another' }];
    expect(await refusal(embed(twice, options))).toMatch(/two different prompts .* the id "a"/);
  });

  test('from elsewhere is added to behind its last line', async () => {
    const path = newFile();
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
    const lines = [
      { embedder: AZURE, dimensions: 8 },
      { id: 'a', embedding: numbers },
    ];
    await writeFile(path, lines.map((line) => JSON.stringify(line)).join('\r\n'));
    const prompts = [{ id: 'a', text: 'Hello' }, ...numbered(2)];
    const first = await embed(prompts, { embeddingsFile: path });
    expect(asked()).toEqual([['What is 0', 'What is 1']]);
    expect(first[0]).toEqual(Float32Array.from(numbers));
    expect(await embed(prompts, { embeddingsFile: path, env: {} })).toEqual(first);
  });

  const header = { embedder: AZURE, dimensions: 2 };
  test.each([
    [
      'of another embedder',
      [{ ...header, embedder: 'my/model' }],
      /are from my\/model, not from azure/,
    ],
    ['of another length', [{ ...header, dimensions: 3 }], /have 3 dimensions; the scorer takes 2/],
    [
      'without a header',
      [{ id: 'a', embedding: [1, 2] }],
      /not an embeddings file: its first line/,
    ],
    ['with a row too short', [header, { id: 'a', embedding: [1] }], /:2: .* 2 numbers/],
    ['with a NaN', [header, { id: 'a', embedding: [1, Number.NaN] }], /:2: .* was expected/],
    [
      'with an id twice',
      [header, ...Array(2).fill({ id: 'a', embedding: [1, 2] })],
      /:3: .* twice/,
    ],
    ['with a base64 NaN', [header, { id: 'a', embedding: 'AADAfwAAgD8=' }], /:2: .* finite/],
    ['with a row of something else', [header, { prompt: 'secret' }], /:2: .* was expected/],
  ])('%s is one clear error before any call', async (_, lines, expected) => {
    const embeddingsFile = await fileOf(lines);
    const message = await refusal(embed(numbered(1), { embeddingsFile, dimensions: 2 }));
    expect(message).toMatch(expected);
    expect(message).not.toContain('secret');
    expect(simulator.requests).toHaveLength(0);
  });

  test('with a bare NaN, as Python writes it, is told so', async () => {
    const embeddingsFile = newFile();
    await writeFile(
      embeddingsFile,
      `${JSON.stringify(header)}\n{"id": "a", "embedding": [NaN, 1]}\n{"id": "b", "embedding": [2, 1]}\n`,
    );
    expect(await refusal(embed([], { embeddingsFile }))).toMatch(/:2: not JSON \(NaN/);
  });

  test('in a folder that is not there is refused before any call', async () => {
    const embeddingsFile = join(folder, 'missing', 'file.jsonl');
    expect(await refusal(embed(numbered(1), { embeddingsFile }))).toMatch(
      /cannot be written.*ENOENT/,
    );
    expect(simulator.requests).toHaveLength(0);
  });
});

/** Writes an array as `numpy.save` does. */
function npy(type: '<f4' | '<f8' | '<i8', shape: string, data: Uint8Array): Buffer {
  const dictionary = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`;
  const text = `${dictionary.padEnd(117)}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(text.length);
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    length,
    Buffer.from(text),
    data,
  ]);
}

describe('a NumPy matrix', () => {
  const bytes = (numbers: Float32Array | Float64Array) => new Uint8Array(numbers.buffer);
  const embedder = 'my/model';

  test.each([
    ['<f4', bytes(Float32Array.of(1, 2, 3, 4, 5, 6))],
    ['<f8', bytes(Float64Array.of(1, 2, 3, 4, 5, 6))],
  ] as const)('of %s gives its rows in the order of the data', async (type, data) => {
    const embeddingsFile = newFile('npy');
    await writeFile(embeddingsFile, npy(type, '3, 2', data));
    expect(await embed(numbered(3), { embedder, embeddingsFile, dimensions: 2 })).toEqual([
      Float32Array.of(1, 2),
      Float32Array.of(3, 4),
      Float32Array.of(5, 6),
    ]);
  });

  const six = bytes(Float32Array.of(1, 2, 3, 4, 5, Number.NaN));
  test.each([
    ['with fewer rows than the data', npy('<f4', '1, 2', six), /only 1 rows: it must have one row/],
    ['with more rows than the data', npy('<f4', '3, 1', six), /3 rows, the data 2/],
    ['of another length', npy('<f4', '2, 3', six), /have 3 dimensions; the scorer takes 2/, 2],
    ['with a NaN', npy('<f4', '2, 3', six), /row 1 has a value that is not a finite number/],
    ['that is cut off', npy('<f4', '3, 2', six.subarray(4)), /cut off: its header states 3 rows/],
    ['of whole numbers', npy('<i8', '3, 1', six), /a float32 matrix .* was expected/],
    ['of one dimension', npy('<f4', '6,', six), /a float32 matrix .* was expected/],
    ['that is something else', Buffer.from('{"embedder"'), /no \.npy file/],
  ] as [string, Buffer, RegExp, number?][])(
    '%s is one clear error',
    async (_, content, expected, dimensions) => {
      const embeddingsFile = newFile('npy');
      await writeFile(embeddingsFile, content);
      const options = { embedder, embeddingsFile, ...(dimensions !== undefined && { dimensions }) };
      expect(await refusal(embed(numbered(2), options))).toMatch(expected);
    },
  );
});

describe('the local embedder', () => {
  test.each(['local', LOCAL_EMBEDDER.id])('called %s embeds without a call', async (embedder) => {
    const prompts = [...numbered(2), { id: 'x', text: '' }];
    const local = await loadLocalEmbedder('models');
    expect(await embed(prompts, { embedder, env: {} })).toEqual(
      prompts.map(({ text }) => local.embed(text)),
    );
    expect(simulator.requests).toHaveLength(0);
  });

  test('with the sentence encoder embeds without a call', async () => {
    const prompts = [...numbered(2), { id: 'x', text: '' }];
    const [local, { encode }] = [await loadLocalEmbedder('models'), await loadEncoder('models')];
    const expected = [];
    for (const { text } of prompts) {
      expected.push(insertSentence(local.embed(text), await encode(text)));
    }
    const embedder = ENCODER_EMBEDDER.id;
    expect(await embed(prompts, { embedder, env: {} })).toEqual(expected);
    expect(simulator.requests).toHaveLength(0);
  });

  test.each([
    ['local/999', /own embedders are local\/\d+ and encoder\/\d+: local\/999/],
    ['text-embedding-3-small', /must be local or encoder\/1, or look like azure-openai/],
  ])('is not taken for %s', async (embedder, expected) => {
    expect(await refusal(embed([], { embedder }))).toMatch(expected);
  });
});
