import { InputError } from '../command-line/input-error.ts';
import type { Projection } from './projection-graph.ts';
import type { Matrix } from './safetensors.ts';

/** The smallest norm that torch.nn.functional.normalize divides by. */
const SMALLEST_NORM = 1e-12;

const TENSORS = {
  models: 'P.weight',
  projection: 'text_proj.0.weight',
  classifier: 'classifier.0.weight',
} as const;

/**
 * Converts RouteLLM's matrix factorization (routellm/routers/matrix_factorization): the logit of a
 * model is `classifier . (normalize(P_model) * (text_proj embedding))`, without biases. The
 * classifier is folded into the model's factors, which only changes the order of the products.
 */
export function toScorerFactors(
  tensors: ReadonlyMap<string, Matrix>,
  expected: { readonly models: number; readonly dimensions?: number },
): Projection {
  checkNames(tensors);
  const models = find(tensors, TENSORS.models);
  const rank = models.columns;
  const projection = find(tensors, TENSORS.projection);
  const classifier = find(tensors, TENSORS.classifier);
  checkShape(TENSORS.models, models, [expected.models, rank]);
  checkShape(TENSORS.projection, projection, [rank, expected.dimensions ?? projection.columns]);
  checkShape(TENSORS.classifier, classifier, [1, rank]);
  if (rank === 0 || projection.columns === 0) throw new InputError('The weights file is empty.');
  const modelFactors = new Float64Array(models.rows * rank);
  for (let model = 0; model < models.rows; model += 1) {
    const row = models.values.subarray(model * rank, (model + 1) * rank);
    const norm = Math.max(Math.hypot(...row), SMALLEST_NORM);
    for (const [index, value] of row.entries()) {
      modelFactors[model * rank + index] = (value / norm) * (classifier.values[index] ?? 0);
    }
  }
  return { projection: projection.values, modelFactors };
}

function checkNames(tensors: ReadonlyMap<string, Matrix>): void {
  const known: readonly string[] = Object.values(TENSORS);
  const other = [...tensors.keys()].find((name) => !known.includes(name));
  if (other !== undefined) {
    throw new InputError(
      `The weights file has a tensor ${JSON.stringify(other)}, which RouteLLM's layout does not have: it would be ignored.`,
    );
  }
}

function find(tensors: ReadonlyMap<string, Matrix>, name: string): Matrix {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw new InputError(`The weights file has no tensor "${name}": it is missing.`);
  }
  return tensor;
}

function checkShape(name: string, found: Matrix, [rows, columns]: readonly [number, number]): void {
  if (found.rows === rows && found.columns === columns) return;
  throw new InputError(
    `Tensor "${name}" must have the shape [${rows}, ${columns}], but has [${found.rows}, ${found.columns}].`,
  );
}
