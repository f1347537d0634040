import { randomBytes, randomUUID } from 'node:crypto';
import type { TableClient, TransactionAction } from '@azure/data-tables';
import type { Background } from '../base/background.ts';
import type { Log } from '../base/log.ts';
import {
  isConflict,
  isNotFound,
  isRefused,
  shareUntilFailure,
  writeToTable,
} from '../storage/tables.ts';
import { type DecisionRecord, toColumns } from './decision-record.ts';
import { createRequestIds, type Place, type RequestIds } from './request-ids.ts';
import { createRollup, type Rollup } from './rollup.ts';

export type DecisionLog = {
  readonly ids: RequestIds;
  /** Queues a decision, which is written within seconds. */
  record(decision: DecisionRecord): void;
  /** Writes the queued decisions. Never throws. */
  flush(): Promise<void>;
  /** Reads the key of the ids, or creates it, and writes every few seconds. */
  start(): void;
};

type DecisionLogOptions = {
  /** Absent if decisions are not kept. */
  readonly loadClient: (() => Promise<TableClient>) | undefined;
  readonly background: Background;
  readonly log: Log;
  readonly now?: () => number;
  /** The most decisions that wait to be written; beyond them the oldest are given up. */
  readonly maxNoted?: number;
};

/** The interval between writes: a crash loses the decisions of this time, and of one write. */
const FLUSH_MS = 2_000;
/** The most rows of a transaction. */
const MAX_ROWS = 100;
/** The most decisions queued, some megabytes; more drop the oldest. */
const MAX_NOTED = 20_000;
/** The most decisions queued with their prompt and candidates, which can be 32 KB each. */
const MAX_WHOLE = 2_000;

const KEY_ROW = { partitionKey: 'key', rowKey: 'request-ids' };
const KEY_BYTES = 32;

type Noted = { readonly place: Place; readonly columns: Readonly<Record<string, unknown>> };

/** Stores decisions in a table, partitioned by day, in batches that requests do not wait for. */
export function createDecisionLog({ log, now, ...options }: DecisionLogOptions): DecisionLog {
  const { background, maxNoted = MAX_NOTED } = options;
  const loadClient = options.loadClient && shareUntilFailure(options.loadClient);
  let key: Uint8Array | undefined;
  let noted: Noted[] = [];
  let dropped = 0;
  let writing: Promise<unknown> = Promise.resolve();
  const ids = createRequestIds(() => key, now);
  const rollup = createRollup(randomUUID(), now);

  function note(some: readonly Noted[]): void {
    noted.push(...some);
    if (noted.length <= maxNoted) return;
    dropped += noted.length - maxNoted;
    noted = noted.slice(-maxNoted);
  }

  async function write(): Promise<void> {
    if (loadClient === undefined) return;
    const client = await loadClient();
    key ??= await findKey(client);
    await writeAll(client);
    await writeSums(client, rollup);
    for (const drift of rollup.drifted()) log('warning', 'prompts-drifted', drift);
    if (dropped > 0) log('warning', 'decisions-dropped', { count: dropped });
    dropped = 0;
  }

  async function writeAll(client: TableClient): Promise<void> {
    const taken = noted;
    noted = [];
    const groups = [...Map.groupBy(taken, ({ place }) => place.partition).values()];
    const batches = groups.flatMap(inBatches);
    const results = await Promise.allSettled(
      batches.map(async (batch) => {
        const refused = await writeBatch(client, batch);
        dropped += refused;
      }),
    );
    const failed = batches.filter((_, index) => results[index]?.status === 'rejected');
    note(failed.flat());
    const failure = results.find((one) => one.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  async function flush(): Promise<void> {
    writing = writing.then(() => background.run('decisions', write));
    await writing;
  }

  return {
    ids,
    record: (decision) => {
      if (loadClient === undefined) return;
      rollup.add(decision);
      const place = ids.placeOf(decision.requestId);
      const isWhole = noted.length < MAX_WHOLE;
      const kept = isWhole ? decision : { ...decision, prompt: undefined, candidates: undefined };
      if (place !== undefined) note([{ place, columns: toColumns(kept) }]);
    },
    flush,
    start: () => {
      void flush();
      background.repeat(flush, () => FLUSH_MS);
    },
  };
}

async function writeSums(client: TableClient, rollup: Rollup): Promise<void> {
  const rows = rollup.changed();
  try {
    await Promise.all(rows.map((row) => client.upsertEntity(row, 'Replace')));
  } catch (error) {
    rollup.giveBack(rows);
    throw error;
  }
}

function inBatches(group: readonly Noted[]): Noted[][] {
  const batches: Noted[][] = [];
  for (let first = 0; first < group.length; first += MAX_ROWS) {
    batches.push(group.slice(first, first + MAX_ROWS));
  }
  return batches;
}

/**
 * Rows are replaced, so that a write repeated after a lost response changes nothing. Returns how many rows the
 * table does not take, which would be refused again.
 */
async function writeBatch(client: TableClient, batch: readonly Noted[]): Promise<number> {
  const actions = batch.map(
    ({ place, columns }): TransactionAction => [
      'upsert',
      { ...columns, partitionKey: place.partition, rowKey: place.row },
      'Replace',
    ],
  );
  try {
    await client.submitTransaction(actions);
    return 0;
  } catch (error) {
    if (!isRefused(error)) throw error;
    if (batch.length === 1) return 1;
    let refused = 0;
    for (const one of batch) refused += await writeBatch(client, [one]);
    return refused;
  }
}

/** Returns the key that all instances share; the first instance creates it. */
async function findKey(client: TableClient): Promise<Uint8Array> {
  const made = randomBytes(KEY_BYTES).toString('base64url');
  for (;;) {
    try {
      const { partitionKey, rowKey } = KEY_ROW;
      const row = await client.getEntity<{ value?: unknown }>(partitionKey, rowKey);
      return Buffer.from(String(row.value), 'base64url');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    await writeToTable(client, () => client.createEntity({ ...KEY_ROW, value: made })).catch(
      (error: unknown) => {
        // Another instance was first, and its key is used.
        if (!isConflict(error)) throw error;
      },
    );
  }
}
