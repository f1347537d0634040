import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { openFactorGraph } from '../../../shared/matrix-factorization/factor-graph.ts';
import { readOnnxParts } from '../../../shared/matrix-factorization/onnx-nodes.ts';
import { openOnnxGraph } from '../../../shared/matrix-factorization/onnx-runtime.ts';
import { findScorer, loadRegistry } from '../../../shared/matrix-factorization/scorer-registry.ts';
import { loadLocalEmbedder } from '../../../shared/prompt-embedding/local-embedder.ts';

const entry = findScorer(await loadRegistry('models'), 'local');
const file = await readFile(`models/${entry.file}`);
const { embed } = await loadLocalEmbedder('models');
const prompts = (await readFile('tools/model/everyday-and-expert.jsonl', 'utf8'))
  .split('\n')
  .filter(Boolean)
  .filter((_, line) => line % 5 === 0)
  .map((line): string => JSON.parse(line).prompt);

/** Returns the file with a text in it replaced by one of the same length. */
function replaced(from: string, to: string): Uint8Array {
  const at = file.indexOf(from);
  if (at === -1 || from.length !== to.length) throw new Error(`${from} cannot be replaced.`);
  return Buffer.concat([file.subarray(0, at), Buffer.from(to), file.subarray(at + from.length)]);
}

describe('the graph of heads and trees', () => {
  test('gives the logits of onnxruntime, but where rounding takes another branch of a tree', async () => {
    const own = openFactorGraph(readOnnxParts(file), entry);
    const runtime = await openOnnxGraph(file, entry, entry.file);
    const differences: number[] = [];
    for (const prompt of ['', ...prompts]) {
      const embedding = embed(prompt);
      const [mine] = (await own?.([embedding])) ?? [];
      const [theirs] = await runtime([embedding]);
      for (const model of entry.models.keys()) {
        differences.push(
          Math.abs((mine?.logit(model) ?? Number.NaN) - (theirs?.logit(model) ?? 0)),
        );
      }
    }
    differences.sort((a, b) => a - b);
    expect(differences[Math.floor(0.99 * differences.length)]).toBeLessThan(1e-4);
    expect(differences.at(-1)).toBeLessThan(0.01);
  });

  test('gives the same for a prompt in a batch as alone', async () => {
    const own = openFactorGraph(readOnnxParts(file), entry);
    const embeddings = prompts.slice(0, 20).map(embed);
    const together = (await own?.(embeddings)) ?? [];
    for (const [index, embedding] of embeddings.entries()) {
      const [alone] = (await own?.([embedding])) ?? [];
      expect(together[index]?.logit(3)).toBe(alone?.logit(3));
    }
  });

  test('gives no number for a model that it does not have', async () => {
    const [row] = (await openFactorGraph(readOnnxParts(file), entry)?.([embed('Hi')])) ?? [];
    expect(row?.logit(entry.models.length)).toBeNaN();
  });

  test.each([
    ['another comparison', replaced('BRANCH_LEQ', 'BRANCH_LTE')],
    ['another operator', replaced('TreeEnsembleRegressor', 'TreeEnsembleRegressoR')],
    ['another attribute', replaced('transB', 'transA')],
    ['another axis', replaced('axis', 'axes')],
    ['a file cut short', file.subarray(0, file.length / 2)],
    ['an empty file', new Uint8Array()],
    ['random bytes', Uint8Array.from({ length: 5_000 }, (_, index) => (index * 7_919) % 256)],
  ])('is left to onnxruntime with %s', (_, bytes) => {
    expect(openFactorGraph(readOnnxParts(bytes), entry)).toBeUndefined();
  });

  test.each([
    ['other dimensions', { ...entry, dimensions: entry.dimensions - 1 }],
    ['other models', { ...entry, models: entry.models.slice(1) }],
  ])('is left to onnxruntime, which names the mismatch, with %s', (_, other) => {
    expect(openFactorGraph(readOnnxParts(file), other)).toBeUndefined();
  });
});
