import type { Decision, DecisionOutcome } from './decisions.ts';

/** A row of docs/data-format.md. */
type Row = {
  readonly source: string;
  readonly category?: string;
  readonly prompt: string;
  readonly costs?: Readonly<Record<string, number>>;
  readonly scores?: Readonly<Record<string, number>>;
  readonly model_a?: string;
  readonly model_b?: string;
  readonly winner?: number;
};

/** Figures are given for each of them. */
const COMPARED = 'comparisons';
const SAID = 'outcomes';

/** A prompt as it came, and what it cost; undefined where it was not kept. */
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

/** Undefined where nothing is known of the answer of the weaker model. */
export function toTrainingRow(decision: Decision): Row | undefined {
  const { strong_model: strong, selected_model: weak, outcomes } = decision;
  if (strong === undefined || weak === undefined || strong === weak) return undefined;
  const compared = outcomes.filter((one) => one.compared_with === strong);
  if (compared.length > 0) {
    const winner = mean(compared.map((outcome) => 1 - goodnessOf(outcome)));
    const row = toPromptRow(decision, COMPARED);
    return row && { ...row, model_a: strong, model_b: weak, winner };
  }
  const said = outcomes.filter((one) => one.compared_with === undefined);
  if (said.length === 0) return undefined;
  // As good as the other's would have been is all that an answer alone can be.
  const score = mean(said.map((outcome) => (outcome.verdict === 'tie' ? 1 : goodnessOf(outcome))));
  const row = toPromptRow(decision, SAID);
  return row && { ...row, scores: { [strong]: 1, [weak]: score } };
}

/** How good it was, from 0 to 1; half is as good as the other. */
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
