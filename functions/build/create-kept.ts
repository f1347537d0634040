import type { TokenCredential } from '@azure/identity';
import type { RateLimits } from '../../shared/access/rate-limits.ts';
import type { Background } from '../../shared/base/background.ts';
import type { Log } from '../../shared/base/log.ts';
import type { Config } from '../../shared/settings/config.ts';
import type { CallLimits } from '../../shared/storage/call-limits.ts';
import type { PurgeJob } from '../../shared/storage/purge-expired.ts';
import type { GetToken } from '../../shared/upstream/entra-token.ts';
import { createDecisions, type Decisions } from './create-decisions.ts';
import { createThreads, type Threads } from './create-threads.ts';
import { createVectorStoresPart, type VectorStoresPart } from './create-vector-stores.ts';

/** The data that the router keeps for its callers and its operator. */
export type Kept = {
  readonly threads: Threads;
  readonly vectorStores: VectorStoresPart;
  readonly decisions: Decisions;
  readonly purgeJobs: readonly PurgeJob[];
  /** Writes everything that is not written yet, and closes everything that is open. */
  readonly finish: () => Promise<void>;
};

type KeptOptions = {
  readonly config: Config;
  readonly getToken: GetToken;
  readonly countTokens: RateLimits['countTokens'];
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly background: Background;
  readonly callLimits: CallLimits;
  readonly log: Log;
};

export function createKept(options: KeptOptions): Kept {
  const threads = createThreads(options);
  const vectorStores = createVectorStoresPart(options);
  const decisions = createDecisions(options);
  const parts = { threads, vectorStores, decisions };
  return {
    ...parts,
    purgeJobs: Object.values(parts).flatMap(({ purgeJobs }) => purgeJobs),
    finish: async () => {
      await Promise.all([decisions.log.flush(), vectorStores.close()]);
    },
  };
}
