import { createModelMessage, ELEMENT_TYPE, INTEGER_ATTRIBUTE } from './onnx-schema.ts';

/** Everything that a scorer file holds. */
export type ScorerGraph = {
  readonly id: string;
  readonly version: string;
  readonly embedder: string;
  readonly models: readonly string[];
  readonly dimensions: number;
  /** [rank, dimensions], row by row. */
  readonly projection: Float32Array;
  /** [models, rank], row by row. */
  readonly modelFactors: Float64Array;
  /** One a model. */
  readonly biases: Float64Array;
};

/** IR 8 with operator set 17 (2022): old enough for every runtime in use, and has all we need. */
const IR_VERSION = 8;
const OPERATOR_SET = 17;

/**
 * Writes a scorer by the contract: input `embedding` float32 [batch, dimensions], output `scores`
 * float32 [batch, models], `scores = modelFactors (projection embedding) + biases`. The same graph
 * gives the same bytes.
 *
 * The sums run in float64: in float32 the win rates of 128 x 1,536 weights are off by more than
 * 1e-6. The scores are centred over the models, which leaves every difference as it is and keeps
 * them small, where the float32 output is finest.
 */
export function writeScorer(graph: ScorerGraph): Uint8Array {
  const { models, dimensions } = graph;
  const rank = graph.projection.length / dimensions;
  const message = createModelMessage();
  const factors = centreColumns(graph.modelFactors, models.length);
  const biases = centreColumns(graph.biases, models.length);
  return message
    .encode(
      message.create({
        irVersion: IR_VERSION,
        producerName: 'smart-router',
        opsetImport: [{ domain: '', version: OPERATOR_SET }],
        metadataProps: metadata(graph),
        graph: {
          name: 'scorer',
          input: [valueInfo('embedding', dimensions)],
          output: [valueInfo('scores', models.length)],
          initializer: [
            tensor('projection', [rank, dimensions], graph.projection),
            tensor('model_factors', [models.length, rank], factors),
            tensor('biases', [models.length], biases),
          ],
          node: [
            node('Cast', ['embedding'], 'embedding_f64', { to: ELEMENT_TYPE.float64 }),
            node('Cast', ['projection'], 'projection_f64', { to: ELEMENT_TYPE.float64 }),
            node('Gemm', ['embedding_f64', 'projection_f64'], 'prompt_factors', { transB: 1 }),
            node('Gemm', ['prompt_factors', 'model_factors', 'biases'], 'logits', { transB: 1 }),
            node('Cast', ['logits'], 'scores', { to: ELEMENT_TYPE.float32 }),
          ],
        },
      }),
    )
    .finish();
}

function metadata({ id, version, embedder, models }: ScorerGraph): object[] {
  const entries = { id, version, embedder, models: JSON.stringify(models) };
  return Object.entries(entries).map(([key, value]) => ({ key, value }));
}

function valueInfo(name: string, width: number): object {
  const shape = { dim: [{ dimParam: 'batch' }, { dimValue: width }] };
  return { name, type: { tensorType: { elemType: ELEMENT_TYPE.float32, shape } } };
}

function tensor(
  name: string,
  dims: readonly number[],
  values: Float32Array | Float64Array,
): object {
  const isFloat32 = values instanceof Float32Array;
  return {
    name,
    dims,
    dataType: isFloat32 ? ELEMENT_TYPE.float32 : ELEMENT_TYPE.float64,
    rawData: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

function node(
  opType: string,
  input: readonly string[],
  output: string,
  attributes: Readonly<Record<string, number>>,
): object {
  const attribute = Object.entries(attributes).map(([name, value]) => ({
    name,
    i: value,
    type: INTEGER_ATTRIBUTE,
  }));
  return { opType, name: output, input, output: [output], attribute };
}

/** Takes the mean over the rows from each column. */
function centreColumns(values: Float64Array, rows: number): Float64Array {
  const columns = values.length / rows;
  const centred = Float64Array.from(values);
  for (let column = 0; column < columns; column += 1) {
    let sum = 0;
    for (let index = column; index < values.length; index += columns) sum += values[index] ?? 0;
    for (let index = column; index < values.length; index += columns) {
      centred[index] = (values[index] ?? 0) - sum / rows;
    }
  }
  return centred;
}
