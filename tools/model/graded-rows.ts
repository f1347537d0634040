import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { InputError } from '../command-line/input-error.ts';

/** A prompt and how good each model's answer was, from 0 to 1. */
export type GradedRow = {
  readonly id: string;
  readonly source: string;
  readonly prompt: string;
  readonly scores: ReadonlyMap<string, number>;
  /** The scores are an assumption to train on, not a grading, and prove nothing. */
  readonly assumed: boolean;
};

const rowSchema = z.looseObject({
  id: z.string().min(1),
  source: z.string().min(1),
  prompt: z.string(),
  scores: z.looseObject({}),
  assumed: z.boolean().default(false),
});
const scoreSchema = z.number().min(0).max(1);

/**
 * One model has other names in other sources: the names on the left are read as those on the
 * right. Only names of the same weights are here, whoever served them.
 */
const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries(
    z
      .record(z.string(), z.string())
      .parse(JSON.parse(readFileSync(new URL('model-aliases.json', import.meta.url), 'utf8'))),
  ),
);

/** So many bad rows are named; a file of another kind has one a line. */
const MAX_PROBLEMS = 10;

/** Reads JSON lines. Throws an InputError that names the file and the line of each bad row. */
export async function loadGradedRows(paths: readonly string[]): Promise<GradedRow[]> {
  const rows: GradedRow[] = [];
  const problems: string[] = [];
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw new InputError(`The data cannot be read: ${String(error)}`);
    });
    for (const [index, line] of text.split('\n').entries()) {
      if (line.trim() === '') continue;
      const row = parseOrExplain(line, `${path}:${index + 1}`);
      if (typeof row === 'string') problems.push(row);
      else rows.push(row);
    }
  }
  if (problems.length > 0) throw new InputError(describeProblems(problems));
  if (rows.length === 0) throw new InputError('The data has no rows: --data names JSON lines.');
  return rows;
}

/** The row, or what is wrong with it. */
function parseOrExplain(line: string, place: string): GradedRow | string {
  try {
    return parseGradedRow(line, place);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

function describeProblems(problems: readonly string[]): string {
  const more = problems.length - MAX_PROBLEMS;
  const named = problems.slice(0, MAX_PROBLEMS).join(' ');
  return more > 0 ? `${named} And ${more} more bad rows.` : named;
}

function parseGradedRow(line: string, place: string): GradedRow {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new InputError(`${place}: not JSON.`);
  }
  const parsed = rowSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InputError(`${place}: ${issue?.path.join('.') || 'the row'}: ${issue?.message}.`);
  }
  const { id, source, prompt, scores, assumed } = parsed.data;
  return { id, source, prompt, scores: harmonise(scores, place), assumed };
}

/** Two names of one model in one row give the mean of their scores. */
function harmonise(scores: Readonly<Record<string, unknown>>, place: string): Map<string, number> {
  const found = new Map<string, number[]>();
  for (const [name, value] of Object.entries(scores)) {
    const score = scoreSchema.safeParse(value);
    if (!score.success) {
      throw new InputError(`${place}: the score of "${name}" must be a number from 0 to 1.`);
    }
    const model = canonicalModel(name);
    found.set(model, [...(found.get(model) ?? []), score.data]);
  }
  if (found.size < 2) throw new InputError(`${place}: a row needs the scores of two models.`);
  return new Map(
    [...found].map(([model, values]) => [
      model,
      values.reduce((sum, value) => sum + value, 0) / values.length,
    ]),
  );
}

/** The name that a model has in trained scorers. */
export function canonicalModel(name: string): string {
  return ALIASES.get(name) ?? name;
}
