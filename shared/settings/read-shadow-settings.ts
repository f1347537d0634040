import type { SettingsReader } from '../base/settings-reader.ts';

/** The comparison, in the background, of answers of weaker models with those of the strongest. */
export type ShadowSettings = {
  /** The share of the requests answered by a weaker model that are compared, above 0 to 1. */
  readonly share: number;
  /** The most USD that comparisons may cost a day (UTC) on all instances together. */
  readonly dailyBudget: number;
  /** The deployment that judges; absent: answers are only compared letter by letter. */
  readonly judge?: string;
};

/** Returns undefined if nothing is compared. */
export function readShadowSettings(
  read: SettingsReader,
  /** True if decisions are kept, to which outcomes can be added. */
  hasDecisions: boolean,
): ShadowSettings | undefined {
  const share = read.number('SHADOW_SHARE', { min: 0, max: 1 }) ?? 0;
  const dailyBudget = read.number('SHADOW_DAILY_BUDGET', { min: 0, max: 1e6 });
  const judge = read.text('JUDGE_DEPLOYMENT');
  if (share === 0) return undefined;
  if (dailyBudget === undefined && !read.isBad('SHADOW_DAILY_BUDGET')) {
    read.problem(
      'SHADOW_DAILY_BUDGET is missing: set it to the USD that SHADOW_SHARE may cost a day.',
    );
  }
  if (!hasDecisions) {
    read.problem(
      'SHADOW_SHARE needs tables and DECISION_LOG=on: its results are outcomes of decisions.',
    );
  }
  return { share, dailyBudget: dailyBudget ?? 0, ...(judge !== undefined && { judge }) };
}
