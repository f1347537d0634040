import type { TableClient } from '@azure/data-tables';
import type { TokenCredential } from '@azure/identity';
import type { Background } from '../../shared/base/background.ts';
import type { Log } from '../../shared/base/log.ts';
import { createDecisionLog, type DecisionLog } from '../../shared/decisions/decision-log.ts';
import { keepOutcome, type Outcome } from '../../shared/decisions/outcome-record.ts';
import { purgeDecisions } from '../../shared/decisions/purge-decisions.ts';
import { purgeOwnQuantiles } from '../../shared/decisions/sync-own-quantiles.ts';
import {
  createDecisionHandlers,
  type DecisionHandlers,
} from '../../shared/handlers/decision-handlers.ts';
import type { Config } from '../../shared/settings/config.ts';
import type { CallLimits, LimitCall } from '../../shared/storage/call-limits.ts';
import type { PurgeJob } from '../../shared/storage/purge-expired.ts';
import { createTableClient, shareUntilFailure } from '../../shared/storage/tables.ts';

export type Decisions = {
  readonly log: DecisionLog;
  readonly handlers: DecisionHandlers;
  readonly purgeJobs: readonly PurgeJob[];
  /** For work that no request waits for. Absent if decisions are not kept. */
  readonly loadClient: (() => Promise<TableClient>) | undefined;
  /** Records the outcome of a comparison that the router itself has made. */
  readonly addOutcome: (outcome: Outcome, comparedWith: string) => Promise<void>;
};

type DecisionsOptions = {
  readonly config: Config;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly background: Background;
  readonly callLimits: CallLimits;
  readonly log: Log;
};

/** The caller of the router's own outcomes, a name that no caller can have. */
const ROUTER = '(router)';
const DAY_MS = 86_400_000;

/** Builds the log of decisions and outcomes. Nothing is kept if no table is configured. */
export function createDecisions(options: DecisionsOptions): Decisions {
  const { config, loadCredential, callLimits, background, log } = options;
  const { tables, decisions } = config;
  const { table, retentionDays } = decisions;
  const loaderOf = (limit: LimitCall) =>
    tables && decisions.isOn
      ? shareUntilFailure(() => createTableClient(tables, table, { loadCredential, limit }))
      : undefined;
  const loadClient = loaderOf(callLimits.inBackground);
  const decisionLog = createDecisionLog({ loadClient, background, log });
  return {
    log: decisionLog,
    loadClient,
    handlers: createDecisionHandlers({
      loadClient: loaderOf(callLimits.ofRequests),
      ids: decisionLog.ids,
      retentionMs: retentionDays * DAY_MS,
    }),
    addOutcome: async (outcome, comparedWith) => {
      const place = decisionLog.ids.placeOf(outcome.request_id);
      if (loadClient === undefined || place === undefined) return;
      const origin = { place, caller: ROUTER, at: Date.now(), comparedWith };
      await keepOutcome(await loadClient(), outcome, origin);
    },
    purgeJobs: loadClient
      ? [
          {
            what: 'decisions',
            retentionDays,
            purge: async (before) => purgeDecisions(await loadClient(), before),
          },
          {
            what: 'own-quantiles',
            retentionDays,
            purge: async (before) => purgeOwnQuantiles(await loadClient(), before),
          },
        ]
      : [],
  };
}
