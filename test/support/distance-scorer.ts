import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ScorerEntry,
  scorerEntrySchema,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { ATTRIBUTE_TYPE, createModelMessage, ELEMENT_TYPE } from '../../tools/model/onnx-schema.ts';

type DistanceScorerOptions = {
  readonly embedder: string;
  /** One vector for each model, `big` and `small`: its dot product with the embedding is the score. */
  readonly weights: readonly [Float32Array, Float32Array];
  /** The centroids of the training data, as unit vectors. */
  readonly centroids: readonly Float32Array[];
  readonly limit?: number;
  /** The way in which the graph keeps or breaks the contract for `distance`. */
  readonly output?: 'kept' | 'missing' | 'one-dimensional' | 'too wide' | 'float64' | 'one row';
};

export type DistanceScorer = {
  /** The value for MODELS_FOLDER; the scorer's id there is `distant`. */
  readonly modelsFolder: string;
  readonly entry: ScorerEntry;
  remove(): Promise<void>;
};

/** Writes a scorer that knows its training data: distance = 1 - the cosine to the nearest centroid. */
export async function writeDistanceScorer(options: DistanceScorerOptions): Promise<DistanceScorer> {
  const modelsFolder = await mkdtemp(join(tmpdir(), 'smart-router-models-'));
  const bytes = writeGraph(options);
  await writeFile(join(modelsFolder, 'distant.onnx'), bytes);
  const entry = scorerEntrySchema.parse({
    id: 'distant',
    version: '1',
    file: 'distant.onnx',
    sha256: createHash('sha256').update(bytes).digest('hex'),
    embedder: options.embedder,
    dimensions: options.weights[0].length,
    models: ['big', 'small'],
    defaultPair: { strong: 'big', weak: 'small' },
    trainedOn: 'nothing',
    ...(options.limit !== undefined && { outOfDistribution: { limit: options.limit } }),
    calibrations: [
      {
        id: 'even',
        version: 3,
        data: 'nothing',
        rows: 101,
        strong: 'big',
        weak: 'small',
        quantiles: Array.from({ length: 101 }, (_, index) => index / 100),
      },
    ],
  });
  await writeFile(join(modelsFolder, 'registry.json'), JSON.stringify({ scorers: [entry] }));
  return { modelsFolder, entry, remove: () => rm(modelsFolder, { recursive: true }) };
}

function writeGraph({ weights, centroids, output = 'kept' }: DistanceScorerOptions): Uint8Array {
  const dimensions = weights[0].length;
  const width = output === 'too wide' ? 2 : 1;
  const nodes = [
    node('Gemm', [['embedding', 'weights'], ['scores']], { transB: 1 }),
    node('Mul', [['embedding', 'embedding'], ['squares']]),
    node('ReduceSum', [['squares', 'axes'], ['square']], { keepdims: 1 }),
    node('Sqrt', [['square'], ['norm']]),
    node('Gemm', [['embedding', 'centroids'], ['dots']], { transB: 1 }),
    node(
      'TopK',
      [
        ['dots', 'width'],
        ['nearest', 'indices'],
      ],
      { axis: 1 },
    ),
    node('Div', [['nearest', 'norm'], ['cosine']]),
    node('Sub', [['one', 'cosine'], ['contracted']]),
  ];
  if (output === 'one-dimensional') {
    nodes.push(node('Squeeze', [['contracted', 'axes'], ['distance']]));
  } else if (output !== 'missing') {
    const to = output === 'float64' ? ELEMENT_TYPE.float64 : ELEMENT_TYPE.float32;
    nodes.push(node('Cast', [['contracted'], ['distance']], { to }));
  }
  const batch = output === 'one row' ? { dimValue: 1 } : { dimParam: 'batch' };
  const distance = {
    name: 'distance',
    type: {
      tensorType: {
        elemType: output === 'float64' ? ELEMENT_TYPE.float64 : ELEMENT_TYPE.float32,
        shape: { dim: output === 'one-dimensional' ? [batch] : [batch, { dimValue: width }] },
      },
    },
  };
  const message = createModelMessage();
  const model = message.create({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'scorer',
      input: [matrix('embedding', batch, dimensions)],
      output: [matrix('scores', batch, 2), ...(output === 'missing' ? [] : [distance])],
      initializer: [
        floats('weights', [2, dimensions], weights),
        floats('centroids', [centroids.length, dimensions], centroids),
        floats('one', [1], [Float32Array.of(1)]),
        integer('axes', 1),
        integer('width', width),
      ],
      node: nodes,
    },
  });
  return message.encode(model).finish();
}

function matrix(name: string, batch: object, width: number): object {
  const shape = { dim: [batch, { dimValue: width }] };
  return { name, type: { tensorType: { elemType: ELEMENT_TYPE.float32, shape } } };
}

function floats(name: string, dims: readonly number[], rows: readonly Float32Array[]): object {
  const rawData = Buffer.concat(rows.map((row) => Buffer.from(row.slice().buffer)));
  return { name, dims, dataType: ELEMENT_TYPE.float32, rawData };
}

function integer(name: string, value: number): object {
  const rawData = Buffer.from(BigInt64Array.of(BigInt(value)).buffer);
  return { name, dims: [1], dataType: ELEMENT_TYPE.int64, rawData };
}

function node(
  opType: string,
  [input, output]: readonly [input: readonly string[], output: readonly string[]],
  attributes: Readonly<Record<string, number>> = {},
): object {
  const attribute = Object.entries(attributes).map(([name, value]) => ({
    name,
    i: value,
    type: ATTRIBUTE_TYPE.int,
  }));
  return { opType, name: output[0], input, output, attribute };
}
