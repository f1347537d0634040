import type { SettingsReader } from '../base/settings-reader.ts';
import { TABLE_NAME } from './read-registry-settings.ts';

/** Whether decisions are kept, in which table, and for how long. */
export type DecisionSettings = {
  readonly isOn: boolean;
  readonly table: string;
  readonly retentionDays: number;
};

export function readDecisionSettings(read: SettingsReader): DecisionSettings {
  return {
    isOn: (read.choice('DECISION_LOG', ['on', 'off'] as const) ?? 'on') === 'on',
    table: read.matching('DECISIONS_TABLE', TABLE_NAME) ?? 'decisions',
    retentionDays: read.integer('DECISION_RETENTION_DAYS', { min: 1, max: 3_650 }) ?? 30,
  };
}
