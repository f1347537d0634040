import { createHash } from 'node:crypto';
import * as z from 'zod';
import { findAsk } from '../../shared/asks/find-ask.ts';
import { InputError } from '../command-line/input-error.ts';
import { type BadLineTolerance, readJsonLines } from './json-lines.ts';
import { canonicalModel } from './model-names.ts';

/**
 * Which of two answers was preferred. `winA` is 1 for the answer of A, 0 for that of B, and 0.5 for
 * neither.
 */
export type Preference = {
  readonly modelA: string;
  readonly modelB: string;
  readonly winA: number;
};

/**
 * A prompt and how good the models' answers were, as either `scores` or a `preference`. Model names
 * are canonical. docs/data-format.md describes the file format.
 */
export type RoutingRow = {
  readonly id: string;
  readonly source: string;
  readonly category?: string;
  /** The text that the service would score: the ask in the row's prompt or messages. */
  readonly prompt: string;
  /** Scores from 0 to 1, of at least two models. */
  readonly scores?: ReadonlyMap<string, number>;
  readonly preference?: Preference;
  /** Cost of each model's answer to this prompt, in US dollars. */
  readonly costs?: ReadonlyMap<string, number>;
  /** Whether the outcome is an assumption to train on. It is not a grade, and proves nothing. */
  readonly assumed: boolean;
};

const DEFAULT_SOURCE = 'default';

const numberByModel = z.looseObject({});
const modelName = z.string().min(1);

/** Null means the same as a missing field, since table exports write it. */
const rowSchema = z.looseObject({
  id: z.union([z.string().min(1), z.number()]).nullish(),
  source: z.string().min(1).nullish(),
  category: z.string().nullish(),
  prompt: z.string().nullish(),
  messages: z.array(z.looseObject({ role: z.string() })).nullish(),
  scores: numberByModel.nullish(),
  model_a: modelName.nullish(),
  model_b: modelName.nullish(),
  winner: z
    .union([z.enum(['model_a', 'model_b', 'tie']), z.number().min(0).max(1)], {
      error: 'must be "model_a", "model_b", "tie" or a number from 0 to 1',
    })
    .nullish(),
  costs: numberByModel.nullish(),
  assumed: z.boolean().nullish(),
});
type RawRow = z.infer<typeof rowSchema>;

const scoreSchema = z.number().min(0).max(1);
const costSchema = z.number().min(0);

/** Streams the rows of JSON-lines files. Throws an InputError for invalid files and lines. */
export function readRoutingRows(
  paths: readonly string[],
  tolerance: BadLineTolerance,
): AsyncGenerator<RoutingRow> {
  return readJsonLines(paths, { ...tolerance, parse: parseRoutingRow });
}

/** Loads all rows. Throws an InputError also when there are none. */
export async function loadRoutingRows(
  paths: readonly string[],
  tolerance: BadLineTolerance,
): Promise<RoutingRow[]> {
  const rows: RoutingRow[] = [];
  for await (const row of readRoutingRows(paths, tolerance)) rows.push(row);
  if (rows.length === 0) throw new InputError('The data has no rows: --data names JSON lines.');
  return rows;
}

/** Parses a row. Throws an InputError that names the problem without quoting the prompt. */
export function parseRoutingRow(json: unknown): RoutingRow {
  const parsed = rowSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InputError(`${issue?.path.join('.') || 'the row'}: ${issue?.message}.`);
  }
  const row = parsed.data;
  const prompt = readPrompt(row);
  const { category, costs } = row;
  return {
    id: String(row.id ?? createHash('sha256').update(prompt).digest('hex').slice(0, 16)),
    source: row.source ?? DEFAULT_SOURCE,
    ...(category != null && { category }),
    prompt,
    ...readOutcome(row),
    ...(costs != null && { costs: readCosts(costs) }),
    assumed: row.assumed ?? false,
  };
}

function readPrompt({ prompt, messages }: RawRow): string {
  if ((prompt == null) === (messages == null)) {
    throw new InputError('a row needs either a prompt or messages.');
  }
  const text = findAsk(messages ?? [{ role: 'user', content: prompt }])?.text;
  if (text === undefined)
    throw new InputError('prompt or messages: they contain no text to score.');
  return text;
}

function readOutcome(row: RawRow): Pick<RoutingRow, 'scores' | 'preference'> {
  const { scores, model_a: modelA, model_b: modelB, winner } = row;
  const isPreference = modelA != null || modelB != null || winner != null;
  if ((scores != null) === isPreference) {
    throw new InputError('a row needs either scores, or model_a, model_b and winner.');
  }
  if (scores != null) return { scores: readScores(scores) };
  if (modelA == null || modelB == null || winner == null) {
    throw new InputError('a preference needs model_a, model_b and winner.');
  }
  const preference = {
    modelA: canonicalModel(modelA),
    modelB: canonicalModel(modelB),
    winA: readWinner(winner),
  };
  if (preference.modelA === preference.modelB) {
    throw new InputError(`model_a and model_b are both "${preference.modelA}".`);
  }
  return { preference };
}

function readWinner(winner: NonNullable<RawRow['winner']>): number {
  if (typeof winner === 'number') return winner;
  switch (winner) {
    case 'model_a':
      return 1;
    case 'model_b':
      return 0;
    case 'tie':
      return 0.5;
  }
}

function readScores(scores: Readonly<Record<string, unknown>>): Map<string, number> {
  const found = readNumbers(scores, scoreSchema, (name) => {
    throw new InputError(`the score of "${name}" must be a number from 0 to 1.`);
  });
  if (found.size < 2) throw new InputError('scores: a row needs the scores of two models.');
  return found;
}

function readCosts(costs: Readonly<Record<string, unknown>>): Map<string, number> {
  return readNumbers(costs, costSchema, (name) => {
    throw new InputError(`the cost of "${name}" must be a number of dollars, 0 or more.`);
  });
}

/** Reads numbers by model. Two names of one model in one row give the mean of their numbers. */
function readNumbers(
  record: Readonly<Record<string, unknown>>,
  schema: z.ZodType<number>,
  refuse: (name: string) => never,
): Map<string, number> {
  const found = new Map<string, number[]>();
  for (const [name, value] of Object.entries(record)) {
    const parsed = schema.safeParse(value);
    if (!parsed.success) refuse(name);
    else found.set(canonicalModel(name), [...(found.get(canonicalModel(name)) ?? []), parsed.data]);
  }
  return new Map(
    [...found].map(([model, values]) => [
      model,
      values.reduce((sum, value) => sum + value, 0) / values.length,
    ]),
  );
}
