import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import { measureRouting, type RoutedPrompt, type RoutingQuality } from './apgr.ts';
import type { GradedRow } from './graded-rows.ts';

export const ALL_SOURCES = 'all';

/** One line of an evaluation: how well a router orders the prompts of a source. */
export type EvaluationLine = {
  readonly router: string;
  readonly source: string;
  /** Absent where the strong model is not better, so that there is no gap to recover. */
  readonly quality?: RoutingQuality;
};

/** Gives each prompt a number that ranks it: the higher, the sooner it goes to the strong model. */
export type Ranker = (prompt: string) => Promise<number> | number;

/** The rows in which both models were graded. */
export function rowsOfPair(rows: readonly GradedRow[], pair: ModelPair): GradedRow[] {
  return rows.filter(
    ({ scores, assumed }) => !assumed && scores.has(pair.strong) && scores.has(pair.weak),
  );
}

/** Measures a router over all the rows, then for each source. */
export async function evaluateRouter(
  router: string,
  rank: Ranker,
  { rows, pair }: { readonly rows: readonly GradedRow[]; readonly pair: ModelPair },
): Promise<EvaluationLine[]> {
  const bySource = new Map<string, RoutedPrompt[]>([[ALL_SOURCES, []]]);
  for (const { source, prompt, scores } of rows) {
    const routed = {
      winRate: await rank(prompt),
      strongScore: scores.get(pair.strong) ?? 0,
      weakScore: scores.get(pair.weak) ?? 0,
    };
    const ofSource = bySource.get(source) ?? [];
    ofSource.push(routed);
    bySource.set(source, ofSource);
    bySource.get(ALL_SOURCES)?.push(routed);
  }
  return [...bySource].map(([source, prompts]) => {
    const quality = measureRouting(prompts);
    return { router, source, ...(quality && { quality }) };
  });
}

/** A random order, by definition: APGR 0.5, CPT(x) = x. */
export function randomLine({ source, quality }: EvaluationLine): EvaluationLine {
  const router = 'random';
  if (quality === undefined) return { router, source };
  return { router, source, quality: { ...quality, apgr: 0.5, cpt50: 0.5, cpt80: 0.8 } };
}

/** A Markdown table, which reads well in a terminal too. */
export function formatEvaluation(lines: readonly EvaluationLine[]): string {
  const header = ['router', 'source', 'prompts', 'gap', 'APGR', 'CPT(50)', 'CPT(80)'];
  const cells = lines.map(({ router, source, quality }) => [
    router,
    source,
    String(quality?.prompts ?? '-'),
    decimals(quality?.gap),
    decimals(quality?.apgr),
    percent(quality?.cpt50),
    percent(quality?.cpt80),
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const format = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [
    format(header),
    format(widths.map((width) => '-'.repeat(width))),
    ...cells.map(format),
  ].join('\n');
}

function decimals(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(3);
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(100 * share).toFixed(1)}%`;
}
