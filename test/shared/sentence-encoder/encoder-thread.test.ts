import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../shared/base/errors.ts';
import { ENCODER_FILES, loadEncoder } from '../../../shared/sentence-encoder/encoder-files.ts';
import {
  type EncoderThread,
  startEncoderThread,
} from '../../../shared/sentence-encoder/encoder-thread.ts';
import { keepEncoding } from '../../../shared/sentence-encoder/keep-encoding.ts';

const folder = await mkdtemp(join(tmpdir(), 'smart-router-encoder-'));
const started: EncoderThread[] = [];
afterAll(async () => {
  for (const thread of started) await thread.close();
  await rm(folder, { recursive: true });
});

async function start(options: Partial<Parameters<typeof startEncoderThread>[0]> = {}) {
  const thread = await startEncoderThread({
    modelsFolder: 'models',
    timeoutMs: 60_000,
    ...options,
  });
  started.push(thread);
  return thread;
}

const TEXTS = [
  'how do I get red wine out of a carpet?',
  'what takes wine stains out of a rug?',
  'Prove that the square root of 2 is irrational.',
  'Wie bekomme ich Kaugummi aus der Jacke?',
];

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe('an encoder in its thread', () => {
  test('gives the same numbers for a text alone, in a batch and in this thread', async () => {
    const batches: number[] = [];
    const { encode } = await start({ onBatch: (texts) => batches.push(texts) });
    const together = await Promise.all([...TEXTS, ...TEXTS].map(encode));
    expect(batches).toEqual([1, 2 * TEXTS.length - 1]);
    const here = await loadEncoder('models');
    for (const [index, text] of TEXTS.entries()) {
      const alone = await encode(text);
      expect(alone).toHaveLength(385);
      expect(together[index]).toEqual(alone);
      expect(together[index + TEXTS.length]).toEqual(alone);
      expect(await here.encode(text)).toEqual(alone);
    }
  });

  test('puts texts of one meaning near each other, and gives zeros for other languages', async () => {
    const { encode } = await start();
    const [carpet, rug, proof, german] = await Promise.all(TEXTS.map(encode));
    if (!carpet || !rug || !proof || !german) throw new Error('An encoding is missing.');
    expect(cosine(carpet, rug)).toBeGreaterThan(cosine(carpet, proof) + 0.1);
    expect(carpet[0]).toBe(1);
    expect(german.every((value) => value === 0)).toBe(true);
  });

  test('rejects a text that waits too long, and answers the next ones', async () => {
    const { encode } = await start({ timeoutMs: 1 });
    const waits = await Promise.allSettled(
      Array.from({ length: 20 }, () => encode(TEXTS.join(' '))),
    );
    const reasons = waits.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
    expect(reasons.length).toBeGreaterThan(0);
    expect(reasons.every((one) => one.includes('did not answer within 1 ms'))).toBe(true);
  });

  test('rejects what waits when its thread ends', async () => {
    const thread = await start();
    const waiting = thread.encode(TEXTS.join(' '));
    const refused = expect(waiting).rejects.toThrow('The thread of the encoder has ended.');
    await thread.close();
    await refused;
    await expect(thread.encode('more')).rejects.toThrow('has ended');
  });

  test('is started again by the next text after its thread has ended', async () => {
    let current: EncoderThread | undefined;
    const ended = Promise.withResolvers<void>();
    const kept = await keepEncoding(async (onEnd) => {
      const onThreadEnd = () => {
        onEnd();
        ended.resolve();
      };
      current = await start({ onEnd: onThreadEnd });
      return current;
    }, 60_000);
    const before = await kept.encode(TEXTS[0] ?? '');
    await current?.close();
    await ended.promise;
    expect(await kept.encode(TEXTS[0] ?? '')).toEqual(before);
  });
});

describe('a file of the encoder', () => {
  test.each([
    ['model', 'is missing', undefined, /encoder cannot be read: .*ENOENT.*encoder.onnx/],
    [
      'vocabulary',
      'is missing',
      undefined,
      /vocabulary .* cannot be read: .*ENOENT.*vocabulary.txt/,
    ],
    ['model', 'is empty', Buffer.alloc(0), /encoder.onnx is damaged or another file/],
    ['model', 'is something else', Buffer.from('{}'), /encoder.onnx is damaged or another file/],
    ['vocabulary', 'is empty', Buffer.alloc(0), /vocabulary.txt is damaged or another file/],
    [
      'vocabulary',
      'is another one',
      Buffer.from('[CLS]\n[SEP]\n[UNK]\n'),
      /vocabulary.txt is damaged or another file/,
    ],
  ] as const)('%s that %s is one clear error, with a remedy', async (name, _, content, reason) => {
    const models = await mkdtemp(join(folder, 'models-'));
    await cp(
      dirname(join('models', ENCODER_FILES.model)),
      join(models, dirname(ENCODER_FILES.model)),
      {
        recursive: true,
      },
    );
    const path = join(models, ENCODER_FILES[name]);
    await rm(path);
    if (content !== undefined) await writeFile(path, content);
    const error: unknown = await start({ modelsFolder: models }).catch((caught: unknown) => caught);
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems).toHaveLength(1);
    expect(error.message).toMatch(reason);
    expect(error.message).toContain(path);
    expect(error.message).toContain('npm run embedder:build -- encoder');
  });

  test('is small enough for a package', async () => {
    expect((await readFile(join('models', ENCODER_FILES.model))).length).toBeLessThan(12_000_000);
  });
});
