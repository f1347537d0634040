import { HttpError } from '../base/errors.ts';

/** What a use case may spend in one day, by UTC. */
type Budget = {
  readonly useCase: string;
  /** USD; absent: unlimited. */
  readonly daily_budget?: number | undefined;
};

const DAY_MS = 86_400_000;

/** True once the day's budget is spent; `spentToday` is in USD. */
export function isBudgetSpent(
  { useCase, daily_budget: budget }: Budget,
  spentToday: (useCase: string) => number,
): boolean {
  return budget !== undefined && spentToday(useCase) >= budget;
}

/** The day's budget is spent and no weak deployment can answer (429, until midnight UTC). */
export class BudgetSpentError extends HttpError {
  constructor({ useCase, daily_budget }: Budget, now = Date.now()) {
    const seconds = Math.ceil((DAY_MS - (now % DAY_MS)) / 1_000);
    super(
      `The use case ${useCase} has spent its ${daily_budget} USD for today, and no deployment of the weak tier can answer this request. The next day begins at midnight UTC.`,
      {
        status: 429,
        type: 'insufficient_quota',
        code: 'budget_spent',
        headers: { 'retry-after': String(seconds) },
      },
    );
  }
}
