import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import { ENCODER_EMBEDDER } from '../../shared/prompt-embedding/encoder-embedder.ts';
import { isOwnId } from '../../shared/prompt-embedding/own-embedders.ts';
import type { EvaluationLine } from './evaluation.ts';
import { formatEvaluation } from './evaluation-table.ts';
import type { ScorerHeader } from './onnx-graph.ts';
import { formatScorerComparison, type ScorerComparison } from './scorer-comparison.ts';
import type { TrainedScorer } from './train-scorer.ts';
import type { TrainingSet } from './training-set.ts';

type CardFacts = {
  readonly header: ScorerHeader;
  readonly pair: ModelPair;
  readonly set: TrainingSet;
  readonly trained: TrainedScorer;
  readonly seed: number;
  readonly dataFiles: readonly string[];
  /** Figures of held-out rows of the training data. */
  readonly validation: readonly EvaluationLine[];
  /** Figures of other files, which influenced no choice. */
  readonly test: readonly EvaluationLine[];
  readonly comparison: ScorerComparison;
};

/** The origin of some sources of the data. `sources` is a regular expression that matches their names. */
const placeSchema = z.object({
  sources: z.string(),
  gradings: z.string(),
  questions: z.string(),
});
type Place = Readonly<z.infer<typeof placeSchema>>;

const UNKNOWN: Place = { sources: '', gradings: 'not known', questions: 'not known' };

/** Writes the card, the description stored next to a scorer. It never contains a prompt of the data. */
export async function writeCard(facts: CardFacts): Promise<string> {
  const { header, pair, set, trained, seed, dataFiles } = facts;
  const files = dataFiles.map((file) => `\`<folder>/${file}\``).join(', ');
  const learned = set.trainRows.length + set.heldOutRows.length;
  return `# Scorer ${header.id}@${header.version}

This scorer is a matrix factorization over ${header.models.length} models, on embeddings by \`${header.embedder}\`. It predicts the win
rate of one model's answer over another's; equal answers count half. The
default pair is \`${pair.strong}\` (strong) over \`${pair.weak}\` (weak).

A model has one number, its strength a, and its factors are a and (a² - 1) / 2. A prompt's two
factors are predicted by ${trained.description}. The score of a
model is 2 × (prompt's factors · model's factors + the model's own deviation), and a win rate is
the sigmoid of the difference of two scores.

## Data

The scorer was trained with ${learned} rows of ${files};
${set.heldOutRows.length} of them were held out (by a hash of the prompt) to choose the options. The seed was ${seed}.
The scorer contains no prompt of the data.

${await describeSources(set)}

Different names of the same weights were unified (\`tools/model/model-aliases.json\`).

## Licence

${await describeLicence(set)}

## Figures

The columns are: gap, the strong model's mean score less the weak model's; APGR, the average
performance gap recovered over all strong shares (0.5 for a random order); CPT(x), the smallest strong
share that recovers x % of the gap; saved, the share of strong calls that are not needed for 95% of the
strong model's quality. Ranges are 95% intervals (bootstrap).

### Held-out rows of the training data

${formatEvaluation(facts.validation)}

${describeTest(facts.test)}

### Compared by cross-validation

${formatScorerComparison(facts.comparison)}

## Strengths of the models

The models have these strengths, the best first:

${describeStrengths(facts)}

## Limits

The scorer has these limits:

- It has learned only from the sources above.
${describeLimits(set)}- A win rate is an average over prompts that look alike. Calibrate the threshold on your own
  prompts, and compare with your own outcomes before you trust the savings.
- A model that the scorer does not know must be represented by one that it knows.
`;
}

/** Describes limits that hold only for some data and embedders. */
function describeLimits({ rows, embedder }: TrainingSet): string {
  const limits = [
    ...(rows.some(({ assumed }) => assumed)
      ? [
          `- Rows of a source graded "assumed" teach a belief (small talk needs no strong model), not a
  measurement; no figure includes them.`,
        ]
      : []),
    ...(isOwnId(embedder)
      ? [
          `- It recognises the topic, the kind and the form of a task better than how hard a given sum or proof is:
  within one kind of task its order is close to random, and the length of a prompt may predict more.
  It may rate long small talk as hard, and a short question in a field's jargon as easy.
- ${embedder === ENCODER_EMBEDDER.id ? 'Its word vectors and its sentence encoder are' : 'Its word vectors are'} English. It knows other languages only by their letters, their pieces of words
  and a list of words that tasks begin with.`,
        ]
      : []),
  ];
  return limits.map((limit) => `${limit}\n`).join('');
}

function describeStrengths({ set, trained }: CardFacts): string {
  return [...set.models]
    .map((model, index) => ({ model, strength: trained.strengths[index] ?? 0 }))
    .sort((a, b) => b.strength - a.strength)
    .map(({ model, strength }) => `\`${model}\` ${strength.toFixed(2)}`)
    .join(', ');
}

function describeTest(lines: readonly EvaluationLine[]): string {
  if (lines.length === 0) return 'Not measured on other data.';
  return `### Test rows\n\n${formatEvaluation(lines)}`;
}

/** Describes the licence of a scorer whose sources are all known; otherwise its maker must state it. */
async function describeLicence(set: TrainingSet): Promise<string> {
  const places = await findPlaces(set);
  if (places.has(UNKNOWN)) {
    return `Some sources have an unknown licence: the person who trained the scorer must state its licence.`;
  }
  return `The scorer is a statistical summary, under the MIT licence of this project. It contains no text of
its sources. Their licences are listed above; some require attribution, which this card gives.`;
}

async function describeSources(set: TrainingSet): Promise<string> {
  const lines = [...(await findPlaces(set))].map(
    ([{ gradings, questions }, sources]) =>
      `| ${sources.join(', ')} | ${gradings} | ${questions} |`,
  );
  return ['| sources and rows | gradings | questions |', '|---|---|---|', ...lines].join('\n');
}

/** Returns the sources of the rows to learn from, with their numbers of rows, by origin. */
async function findPlaces({ rows, testRows }: TrainingSet): Promise<Map<Place, string[]>> {
  const url = new URL('data-sources.json', import.meta.url);
  const known = z.array(placeSchema).parse(JSON.parse(await readFile(url, 'utf8')));
  const counts = new Map<string, number>();
  const learned = rows.slice(0, rows.length - testRows.length);
  for (const { source } of learned) counts.set(source, (counts.get(source) ?? 0) + 1);
  const places = new Map<Place, string[]>();
  for (const [source, count] of [...counts].sort()) {
    const place = known.find(({ sources }) => new RegExp(sources).test(source)) ?? UNKNOWN;
    places.set(place, [...(places.get(place) ?? []), `${source} ${count}`]);
  }
  return places;
}
