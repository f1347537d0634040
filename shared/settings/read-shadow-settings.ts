import type { SettingsReader } from '../base/settings-reader.ts';

/** How answers of weaker models are compared, in the background, with those of the strongest. */
export type ShadowSettings = {
  /** Of the requests that a weaker model answers, above 0 to 1. */
  readonly share: number;
  /** USD that it may cost, on all instances together, by UTC. */
  readonly dailyBudget: number;
  /** The deployment that compares them; absent: answers are compared letter by letter alone. */
  readonly judge?: string;
};

/** Undefined: nothing is compared. */
export function readShadowSettings(
  read: SettingsReader,
  /** Decisions are kept: only then is there something to add an outcome to. */
  hasDecisions: boolean,
): ShadowSettings | undefined {
  const share = read.number('SHADOW_SHARE', { min: 0, max: 1 }) ?? 0;
  const dailyBudget = read.number('SHADOW_DAILY_BUDGET', { min: 0, max: 1e6 });
  const judge = read.text('JUDGE_DEPLOYMENT');
  if (share === 0) return undefined;
  if (dailyBudget === undefined && !read.isBad('SHADOW_DAILY_BUDGET')) {
    read.problem('SHADOW_DAILY_BUDGET is missing: what SHADOW_SHARE may cost a day, in USD.');
  }
  if (!hasDecisions) {
    read.problem('SHADOW_SHARE needs tables, and DECISION_LOG on: its results are outcomes.');
  }
  return { share, dailyBudget: dailyBudget ?? 0, ...(judge !== undefined && { judge }) };
}
