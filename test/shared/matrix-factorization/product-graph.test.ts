import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { load } from '../../../shared/matrix-factorization/scorer.ts';
import { createScorerGraph, type OnnxGraph } from '../../../tools/model/onnx-graph.ts';
import { ELEMENT_TYPE } from '../../../tools/model/onnx-schema.ts';
import { registerScorer } from '../../../tools/model/register-scorer.ts';
import { createRandom } from '../../fakes/routellm-weights.ts';

const MODELS = ['a', 'b', 'c'];
/** Not a multiple of four. */
const DIMENSIONS = 1_537;
const folder = await mkdtemp(join(tmpdir(), 'smart-router-product-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const random = createRandom(5);
const numbers = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);
const embeddings = Array.from({ length: 8 }, () => {
  const embedding = numbers(DIMENSIONS);
  const norm = Math.hypot(...embedding);
  return embedding.map((one) => one / norm);
});

/** Returns the win rates of a over b and over c, by the graph as it is loaded and by onnxruntime. */
async function compare(id: string, build: (graph: OnnxGraph) => void) {
  const header = {
    id,
    version: '1',
    embedder: 'any',
    models: MODELS,
    dimensions: DIMENSIONS,
  };
  const graph = createScorerGraph(header);
  build(graph);
  const entry = await registerScorer({
    modelsFolder: folder,
    header,
    bytes: graph.finish(),
    defaultPair: { strong: 'a', weak: 'b' },
    trainedOn: 'random weights',
  });
  const scorer = await load(entry, folder);
  const loaded = (await scorer.score(embeddings)).map((scores) => [
    scores?.winRate('a', 'b') ?? Number.NaN,
    scores?.winRate('a', 'c') ?? Number.NaN,
  ]);
  const session = await InferenceSession.create(await readFile(join(folder, entry.file)));
  const runtime: number[][] = [];
  for (const embedding of embeddings) {
    const { scores } = await session.run({
      embedding: new Tensor('float32', embedding, [1, DIMENSIONS]),
    });
    const [a = Number.NaN, ...others] = Array.from(scores?.data as Float32Array);
    runtime.push(others.map((other) => 1 / (1 + Math.exp(other - a))));
  }
  return { loaded, runtime };
}

const weights = (graph: OnnxGraph) =>
  graph.constant('weights', [DIMENSIONS, MODELS.length], numbers(DIMENSIONS * MODELS.length));
const turned = (graph: OnnxGraph) =>
  graph.constant('weights', [MODELS.length, DIMENSIONS], numbers(DIMENSIONS * MODELS.length));
const castTo = (type: number) => ({ name: 'Cast', attributes: { to: type } });

const GRAPHS: Readonly<Record<string, (graph: OnnxGraph) => void>> = {
  'a product in float32': (graph) => {
    graph.node('Gemm', ['embedding', weights(graph)], 'scores');
  },
  'a product in float64': (graph) => {
    const values = Float64Array.from(numbers(DIMENSIONS * MODELS.length));
    graph.constant('weights', [DIMENSIONS, MODELS.length], values);
    graph.node(castTo(ELEMENT_TYPE.float64), ['embedding'], 'long');
    graph.node('Gemm', ['long', 'weights'], 'logits');
    graph.node(castTo(ELEMENT_TYPE.float32), ['logits'], 'scores');
  },
  'one that something is added to': (graph) => {
    graph.constant('bias', [MODELS.length], numbers(MODELS.length));
    graph.node('Gemm', ['embedding', weights(graph), 'bias'], 'scores');
  },
  'one of turned weights': (graph) => {
    const operator = { name: 'Gemm', attributes: { transB: 1 } };
    graph.node(operator, ['embedding', turned(graph)], 'scores');
  },
  'one of which more is made': (graph) => {
    graph.node('Gemm', ['embedding', weights(graph)], 'logits');
    graph.node('Neg', ['logits'], 'scores');
  },
  'one by another operator': (graph) => {
    graph.node('MatMul', ['embedding', weights(graph)], 'scores');
  },
  'one of what the embedding was made into': (graph) => {
    graph.node('Neg', ['embedding'], 'turned');
    graph.node('Gemm', ['turned', weights(graph)], 'scores');
  },
};

describe('a graph', () => {
  test.each(Object.entries(GRAPHS))(
    'of %s has the win rates of onnxruntime',
    async (name, build) => {
      const { loaded, runtime } = await compare(name.replaceAll(' ', '-'), build);
      for (const [row, winRates] of runtime.entries()) {
        for (const [place, winRate] of winRates.entries()) {
          expect(loaded[row]?.[place]).toBeCloseTo(winRate, 6);
        }
      }
      // Otherwise every graph would pass.
      expect(new Set(runtime.flat()).size).toBe(2 * embeddings.length);
    },
  );
});
