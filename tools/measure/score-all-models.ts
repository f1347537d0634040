import { load } from '../../shared/matrix-factorization/scorer.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';

/** Scores of prompts by all models of a scorer, each up to a number that is the prompt's own. */
export type AllScores = {
  /** Returns what the strong model's score is above the weak one's, for each prompt. */
  readonly differences: (strong: number, weak: number) => Float64Array;
};

/** Loads a scorer for embeddings of the local embedder, to score prompts by all its models. */
export async function loadAllScores(
  entry: ScorerEntry,
  modelsFolder: string,
): Promise<(prompts: readonly string[]) => Promise<AllScores>> {
  const { embed } = await loadLocalEmbedder(modelsFolder);
  const scorer = await load(entry, modelsFolder);
  const [reference = ''] = entry.models;
  return async (prompts) => {
    const columns = entry.models.map(() => new Float64Array(prompts.length));
    for (const [row, prompt] of prompts.entries()) {
      const [scores] = await scorer.score([embed(prompt)]);
      for (const [model, column] of columns.entries()) {
        const winRate = scores?.winRate(entry.models[model] ?? '', reference) ?? 0.5;
        column[row] = Math.log(winRate / (1 - winRate));
      }
    }
    return {
      differences: (strong, weak) => {
        const other = columns[weak];
        return Float64Array.from(
          columns[strong] ?? [],
          (score, row) => score - (other?.[row] ?? 0),
        );
      },
    };
  };
}
