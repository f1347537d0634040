import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import * as z from 'zod';
import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import { type EvaluationLine, formatEvaluation } from './evaluation.ts';
import type { GradedRow } from './graded-rows.ts';

type CardFacts = {
  readonly id: string;
  readonly version: string;
  readonly embedder: string;
  readonly pair: ModelPair;
  readonly modelCount: number;
  readonly rank: number;
  readonly seed: number;
  readonly dataFiles: readonly string[];
  readonly rows: readonly GradedRow[];
  readonly heldOut: number;
  /** Measured on held-out rows of the training data. */
  readonly validation: readonly EvaluationLine[];
  /** Measured on other files, which nothing was chosen by. */
  readonly test: readonly EvaluationLine[];
};

/** Where sources of the data come from. `sources` is a regular expression of their names. */
const placeSchema = z.object({
  sources: z.string(),
  gradings: z.string(),
  questions: z.string(),
});
type Place = Readonly<z.infer<typeof placeSchema>>;

const UNKNOWN: Place = { sources: '', gradings: 'not known', questions: 'not known' };

/** The description that lies beside a scorer. It never holds a prompt of the data. */
export async function writeCard(facts: CardFacts): Promise<string> {
  const { id, version, embedder, pair, modelCount, rank, seed, rows, heldOut } = facts;
  const files = facts.dataFiles.map((file) => `\`<folder>/${basename(file)}\``).join(', ');
  return `# Scorer ${id}@${version}

A matrix factorization of rank ${rank} over ${modelCount} models, on embeddings by \`${embedder}\`. It predicts
the win rate of one model's answer over another's, with equal answers counted half. Default pair:
\`${pair.strong}\` (strong) over \`${pair.weak}\` (weak).

## Data

${rows.length} graded prompts of
${files};
${heldOut} of them were held out (by a hash of their id) to choose when to stop. Seed ${seed}. The scorer
holds no prompt of the data.

${await describeSources(rows)}

Names of the same weights were made equal (\`tools/model/model-aliases.json\`).

## Figures

APGR: the average performance gap recovered over all strong shares; a random order has 0.5. CPT(x):
the least strong share that recovers x % of the gap. Gap: strong mean less weak mean.

### Held-out rows of the training data

${formatEvaluation(facts.validation)}

${describeTest(facts.test)}

## Limits

- It has learned from the sources above and nothing else. Benchmarks are multiple choice, school
  mathematics, short facts and short programs: long documents, conversations, tools, images and
  creative work are in none of them.
- Rows of a source graded "assumed" teach a belief (small talk needs no strong model), not a
  measurement; they are in no figure.
- The features are words, pieces of words and the form of the text. They see the topic and the kind
  of a task, not how hard a given sum or proof is: within one kind of task the order is little
  better than random.
- English, nearly always. Other languages are told apart by their form at best.
- A win rate is an average over prompts that look alike. Calibrate the threshold on your own
  prompts, and compare with your own outcomes before you trust the savings.
- Models that are not among the scorer's need one of them to stand for them.
`;
}

function describeTest(lines: readonly EvaluationLine[]): string {
  if (lines.length === 0) return 'Not measured on other data.';
  return `### Test rows, measured once\n\n${formatEvaluation(lines)}`;
}

async function describeSources(rows: readonly GradedRow[]): Promise<string> {
  const url = new URL('data-sources.json', import.meta.url);
  const known = z.array(placeSchema).parse(JSON.parse(await readFile(url, 'utf8')));
  const counts = new Map<string, number>();
  for (const { source } of rows) counts.set(source, (counts.get(source) ?? 0) + 1);
  const places = new Map<Place, string[]>();
  for (const [source, count] of [...counts].sort()) {
    const place = known.find(({ sources }) => new RegExp(sources).test(source)) ?? UNKNOWN;
    places.set(place, [...(places.get(place) ?? []), `${source} ${count}`]);
  }
  const lines = [...places].map(
    ([{ gradings, questions }, sources]) =>
      `| ${sources.join(', ')} | ${gradings} | ${questions} |`,
  );
  return ['| sources and rows | gradings | questions |', '|---|---|---|', ...lines].join('\n');
}
