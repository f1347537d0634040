import { load, type Scorer } from '../../shared/matrix-factorization/scorer.ts';
import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { isOwnId } from '../../shared/prompt-embedding/own-embedders.ts';
import { InputError } from '../command-line/input-error.ts';
import { createProgress } from '../command-line/progress.ts';
import { openEmbedder } from './embedders.ts';
import type { PromptItem } from './embeddings-file.ts';
import { type EvaluationData, selectRow } from './evaluation-data.ts';
import { readRoutingRows } from './routing-rows.ts';

/** A scorer with the name by which it was requested, and the two of its models that it compares. */
export type EvaluatedScorer = {
  readonly name: string;
  readonly entry: ScorerEntry;
  readonly pair: ModelPair;
  /** A file with embeddings of the prompts, for an embedder that needs calls. */
  readonly embeddingsFile: string | undefined;
  /** Hashes of the prompts that it was trained on; undefined where it keeps none. */
  readonly seen: ReadonlySet<number> | undefined;
};

type Scoring = {
  readonly data: EvaluationData;
  readonly scorers: readonly EvaluatedScorer[];
  readonly modelsFolder: string;
  /** Number of rows to be scored. */
  readonly total: number;
};

/**
 * Predicts the win rates of every scorer, one for each scored row, in the order of the data. Reads the data
 * once for each embedder and file of embeddings, and keeps no text. Throws an InputError when embeddings do
 * not fit.
 */
export async function predictWinRates(scoring: Scoring): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>(scoring.scorers.map(({ name }) => [name, []]));
  const byEmbedder = Map.groupBy(scoring.scorers, ({ entry, embeddingsFile = '' }) =>
    isOwnId(entry.embedder) ? entry.embedder : `${entry.embedder}\n${embeddingsFile}`,
  );
  for (const scorers of byEmbedder.values()) await predictWith(scorers, scoring, found);
  return found;
}

async function predictWith(
  scorers: readonly EvaluatedScorer[],
  { data, modelsFolder, total }: Scoring,
  found: ReadonlyMap<string, number[]>,
): Promise<void> {
  const loaded = await Promise.all(
    scorers.map(async ({ name, entry, pair }) => {
      const scorer = await load(entry, modelsFolder);
      return { pair, scorer, winRates: found.get(name) };
    }),
  );
  const [first] = scorers;
  if (first === undefined) return;
  const { embedder: id, dimensions } = first.entry;
  const file = isOwnId(id) ? undefined : first.embeddingsFile;
  const embedder = await openEmbedder({
    embedder: id,
    dimensions,
    ...(file !== undefined && { embeddingsFile: file }),
  });
  const progress = createProgress({ label: `Scoring with ${id}`, unit: 'prompts', total });
  const isScored: boolean[] = [];
  try {
    // A matrix of embeddings has no names, so it needs every row of the data.
    const items = readItems(data, file?.endsWith('.npy') ?? false, isScored);
    for await (const embedding of embedder.embedAll(items)) {
      if (isScored.shift() !== true) continue;
      for (const { scorer, pair, winRates } of loaded) {
        winRates?.push(await predict(scorer, embedding, pair));
      }
      progress.advance();
    }
  } finally {
    progress.end();
    await embedder.close();
  }
}

async function predict(scorer: Scorer, embedding: Float32Array, pair: ModelPair): Promise<number> {
  return scorer.predictWinRate(embedding, pair).catch((error: unknown) => {
    throw new InputError(`${scorer.name} cannot score a prompt: ${String(error)}`);
  });
}

async function* readItems(
  data: EvaluationData,
  needsAllRows: boolean,
  isScored: boolean[],
): AsyncGenerator<PromptItem> {
  // Problems of the data were reported when it was read for its numbers.
  const tolerance = { ...data.tolerance, report: () => undefined };
  for await (const row of readRoutingRows(data.paths, tolerance)) {
    const isSelected = selectRow(row, data) !== undefined;
    if (!isSelected && !needsAllRows) continue;
    isScored.push(isSelected);
    yield { id: row.id, text: row.prompt };
  }
}
