import type { Decision, DecisionOutcome } from './decisions.ts';

/** A row in the format of docs/data-format.md. */
export type Row = {
  readonly source: string;
  readonly category?: string;
  readonly prompt: string;
  readonly costs?: Readonly<Record<string, number>>;
  readonly scores?: Readonly<Record<string, number>>;
  readonly model_a?: string;
  readonly model_b?: string;
  readonly winner?: number;
};

/** The sources of the rows; figures are given for each source. */
const COMPARED = 'comparisons';
const SAID = 'outcomes';

/** Returns the prompt of a decision with its costs, or undefined if the prompt was not kept. */
export function toPromptRow(decision: Decision, source = 'decisions'): Row | undefined {
  const { prompt, use_case: category } = decision;
  if (prompt === undefined || prompt.trim() === '') return undefined;
  return {
    source,
    ...(category !== undefined && { category }),
    prompt,
    ...costsOf(decision),
  };
}

/** Why a decision gives no training row, from the first thing that it lacks. */
export const LACKS = {
  outcome: 'no outcome was reported for the answer (POST /llm/outcomes)',
  prompt: 'the prompt was not kept: only decisions made with LOG_CONTENT=true have it',
  models: 'no other model could have answered, or the strongest one is not known',
  weakAnswer:
    'the strong model answered, which says nothing about the weaker one: outcomes of weak answers are needed (SHADOW_SHARE compares some of them)',
  comparison: 'the answer was compared with another model than the strongest one',
} as const;
export type Lack = keyof typeof LACKS;

/** Returns a training row, or what it lacks to be one. */
export function toTrainingRow(decision: Decision): Row | Lack {
  const { strong_model: strong, selected_model: weak, outcomes } = decision;
  if (outcomes.length === 0) return 'outcome';
  if (strong === undefined || weak === undefined) return 'models';
  if (strong === weak) return decision.tier === 'strong' ? 'weakAnswer' : 'models';
  const compared = outcomes.filter((one) => one.compared_with === strong);
  if (compared.length > 0) {
    const winner = mean(compared.map((outcome) => 1 - goodnessOf(outcome)));
    const row = toPromptRow(decision, COMPARED);
    return row === undefined ? 'prompt' : { ...row, model_a: strong, model_b: weak, winner };
  }
  const said = outcomes.filter((one) => one.compared_with === undefined);
  if (said.length === 0) return 'comparison';
  // An answer that was judged on its own can be at best as good as the other model's would have been.
  const score = mean(said.map((outcome) => (outcome.verdict === 'tie' ? 1 : goodnessOf(outcome))));
  const row = toPromptRow(decision, SAID);
  return row === undefined ? 'prompt' : { ...row, scores: { [strong]: 1, [weak]: score } };
}

/** Returns how good the answer was, from 0 to 1; 0.5 means as good as the other. */
function goodnessOf({ verdict, score }: DecisionOutcome): number {
  if (score !== undefined) return score;
  return verdict === 'good' ? 1 : verdict === 'tie' ? 0.5 : 0;
}

function costsOf(decision: Decision): Pick<Row, 'costs'> {
  const { strong_model: strong, selected_model: selected, cost, cost_strong: ofStrong } = decision;
  if (strong === undefined || selected === undefined) return {};
  if (cost === undefined || ofStrong === undefined) return {};
  return { costs: { [strong]: ofStrong, [selected]: cost } };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
