import type { TokenCredential } from '@azure/identity';
import type { ContainerClient } from '@azure/storage-blob';
import { createOpenConversation, type OpenConversation } from '../../shared/chat/conversations.ts';
import {
  createThreadHandlers,
  type ThreadHandlers,
} from '../../shared/handlers/thread-handlers.ts';
import type { Config } from '../../shared/settings/config.ts';
import { createBlobs } from '../../shared/storage/blobs.ts';
import type { CallLimits } from '../../shared/storage/call-limits.ts';
import type { PurgeJob } from '../../shared/storage/purge-expired.ts';
import { createTableClient } from '../../shared/storage/tables.ts';
import { createThreadStore, type ThreadStore } from '../../shared/threads/thread-store.ts';

export type Threads = {
  readonly handlers: ThreadHandlers;
  readonly openConversation: OpenConversation;
  readonly purgeJobs: readonly PurgeJob[];
};

type ThreadsOptions = {
  readonly config: Config;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly callLimits: CallLimits;
};

/** Builds the threads. Nothing is kept if no table or no container is configured. */
export function createThreads(options: ThreadsOptions): Threads {
  const store = createStore(options);
  return {
    handlers: createThreadHandlers(store),
    openConversation: createOpenConversation(store),
    // Expired threads are of no more use.
    purgeJobs: store ? [{ what: 'threads', retentionDays: 0, purge: store.purge }] : [],
  };
}

function createStore({
  config,
  loadCredential,
  callLimits,
}: ThreadsOptions): ThreadStore | undefined {
  const { tables, threads } = config;
  const { blobs } = threads;
  if (tables === undefined || blobs === undefined) return undefined;
  const limit = callLimits.ofRequests;
  return createThreadStore({
    loadClient: () => createTableClient(tables, threads.table, { loadCredential, limit }),
    blobs: createBlobs(
      () => createContainerClient(blobs, threads.container, loadCredential),
      limit,
    ),
    ttlMs: threads.ttlMs,
  });
}

async function createContainerClient(
  { endpoint, connectionString }: NonNullable<Config['threads']['blobs']>,
  name: string,
  loadCredential: () => Promise<TokenCredential>,
): Promise<ContainerClient> {
  // Only large messages need it, so it is not loaded at the start.
  const { ContainerClient } = await import('@azure/storage-blob');
  const options = { retryOptions: { maxTries: 2, retryDelayInMs: 100, maxRetryDelayInMs: 500 } };
  if (connectionString !== undefined) return new ContainerClient(connectionString, name, options);
  return new ContainerClient(new URL(name, endpoint).href, await loadCredential(), options);
}
