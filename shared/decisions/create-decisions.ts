import type { TokenCredential } from '@azure/identity';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { PurgeJob } from '../purge-expired.ts';
import { createTableClient, shareUntilFailure } from '../upstream/tables.ts';
import { createDecisionLog, type DecisionLog } from './decision-log.ts';
import { createDecisionRoutes, type DecisionRoutes } from './decision-routes.ts';
import { removeDecisionsBefore } from './purge-decisions.ts';

export type Decisions = {
  readonly log: DecisionLog;
  readonly routes: DecisionRoutes;
  readonly purgeJobs: readonly PurgeJob[];
};

type DecisionsOptions = {
  readonly config: Config;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly log: Log;
};

const DAY_MS = 86_400_000;

/** The decisions and their outcomes, where there is a table to keep them in. */
export function createDecisions({ config, loadCredential, log }: DecisionsOptions): Decisions {
  const { tables, decisions } = config;
  const { table, retentionDays } = decisions;
  const loadClient =
    tables && decisions.isOn
      ? shareUntilFailure(() => createTableClient(tables, table, loadCredential))
      : undefined;
  const decisionLog = createDecisionLog({ loadClient, log });
  return {
    log: decisionLog,
    routes: createDecisionRoutes({
      ...{ loadClient, ids: decisionLog.ids, retentionMs: retentionDays * DAY_MS },
    }),
    purgeJobs: loadClient
      ? [
          {
            ...{ what: 'decisions', retentionDays },
            purge: async (before) => removeDecisionsBefore(await loadClient(), before),
          },
        ]
      : [],
  };
}
