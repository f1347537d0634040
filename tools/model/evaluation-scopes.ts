import type { Outcomes } from './apgr.ts';

/** The grades of the pair's answers to a prompt, without its text. */
export type GradedPrompt = {
  readonly source: string;
  /** Scores of the graded answers, from 0 to 1. */
  readonly strong: number;
  readonly weak: number;
  /** Costs of the two answers in US dollars. */
  readonly costs?: { readonly strong: number; readonly weak: number };
  /** Length of the prompt, in UTF-16 units. */
  readonly characters?: number;
};

/** Cost of 1,000 requests to each model in US dollars. */
export type Prices = { readonly strong: number; readonly weak: number };

/** Origin of the costs: `calls` counts a strong call as 1 and a weak one as nothing. */
export type CostBasis = 'rows' | 'prices' | 'calls';

/** Prompts that are measured together. */
export type Scope = {
  readonly source: string;
  /** Whether the scope has more than the prompts of one source. */
  readonly isPooled: boolean;
  readonly positions: readonly number[];
  readonly outcomes: Outcomes;
  readonly costBasis: CostBasis;
};

export const ALL_SOURCES = 'all';
const WITH_COSTS = 'all with costs';

/**
 * Creates a scope of all prompts, one of those with costs if some have none, and one for each
 * source. Given prices take precedence over the costs of the rows.
 */
export function createScopes(prompts: readonly GradedPrompt[], prices?: Prices): Scope[] {
  const bySource = new Map<string, number[]>();
  for (const [position, { source }] of prompts.entries()) {
    const positions = bySource.get(source) ?? [];
    positions.push(position);
    bySource.set(source, positions);
  }
  const all = [...prompts.keys()];
  const withCosts = all.filter((position) => prompts[position]?.costs !== undefined);
  const hasSomeCosts = withCosts.length > 0 && withCosts.length < all.length;
  const pooled: [string, readonly number[]][] = [[ALL_SOURCES, all]];
  if (hasSomeCosts && prices === undefined) pooled.push([WITH_COSTS, withCosts]);
  return [...pooled, ...bySource].map(([source, positions], index) => ({
    source,
    isPooled: index < pooled.length,
    positions,
    ...readOutcomes(
      positions.flatMap((position) => prompts[position] ?? []),
      prices,
    ),
  }));
}

function readOutcomes(
  chosen: readonly GradedPrompt[],
  prices: Prices | undefined,
): Pick<Scope, 'outcomes' | 'costBasis'> {
  // Costs of zero cannot be saved, so calls are counted then.
  const hasCosts =
    chosen.every(({ costs }) => costs !== undefined) &&
    chosen.some(({ costs }) => (costs?.strong ?? 0) > 0);
  const costBasis = prices !== undefined ? 'prices' : hasCosts ? 'rows' : 'calls';
  const costsOf = ({ costs }: GradedPrompt): Prices => {
    if (prices !== undefined) return { strong: prices.strong / 1000, weak: prices.weak / 1000 };
    return hasCosts && costs !== undefined ? costs : { strong: 1, weak: 0 };
  };
  const outcomes = {
    strong: Float64Array.from(chosen, ({ strong }) => strong),
    weak: Float64Array.from(chosen, ({ weak }) => weak),
    strongCost: Float64Array.from(chosen, (prompt) => costsOf(prompt).strong),
    weakCost: Float64Array.from(chosen, (prompt) => costsOf(prompt).weak),
  };
  return { outcomes, costBasis };
}
