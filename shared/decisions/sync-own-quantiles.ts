import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { TableClient } from '@azure/data-tables';
import type { Background } from '../base/background.ts';
import { fromText, toText } from '../policy/recent-win-rates.ts';
import { getRow, readRows } from '../storage/read-rows.ts';
import { removeRows } from '../storage/remove-rows.ts';
import type { Row } from '../storage/row.ts';
import { isConflict, isNotFound, writeToTable } from '../storage/tables.ts';
import type { Group, GroupKey, OwnQuantiles } from './own-quantiles.ts';

type SyncOptions = {
  readonly own: OwnQuantiles;
  /** The scorer and its file: another one starts anew. */
  readonly scorer: string;
  readonly loadClient: () => Promise<TableClient>;
  readonly background: Background;
};

export type SyncOwnQuantiles = {
  /** Reads what other instances have stored, and adds this instance's decisions. Never throws. */
  sync(): Promise<void>;
  /** Reads everything, waits for it at most START_MS, and goes on every few seconds. */
  start(): Promise<void>;
};

/** The interval between writes, each of which reads as well: instances agree after two of them. */
const SYNC_MS = 5_000;
/** The most time that reading may add to a start. */
const START_MS = 2_000;
/** Rows changed this long before the last read are read again: clocks of instances differ. */
const OVERLAP_MS = 60_000;
/** The most attempts at a row that other instances write as well. */
const MAX_TRIES = 5;

/** A number that fits a column of 32 bits; so many decisions have forgotten where they started. */
const MAX_COUNT = 1_000_000_000;

const PARTITION = 'own-quantiles';

/**
 * Shares the win rates of decisions among all instances: one row for each group, which each instance
 * reads, adds its own decisions to and replaces if nobody else has changed it meanwhile.
 */
export function createSyncOwnQuantiles(options: SyncOptions): SyncOwnQuantiles {
  const { own, scorer, loadClient, background } = options;
  let readAt = 0;
  let looking: Promise<unknown> = Promise.resolve();

  async function read(client: TableClient): Promise<void> {
    const from = Date.now();
    const since = new Date(Math.max(0, readAt - OVERLAP_MS)).toISOString();
    const filter = `PartitionKey eq '${PARTITION}' and scorer eq '${quoted(scorer)}' and at ge '${since}'`;
    for (const row of await readRows(client, filter)) {
      own.adopt(keyOf(row), storedOf(row));
    }
    readAt = from;
  }

  async function write(client: TableClient, group: Group): Promise<void> {
    for (let triesLeft = MAX_TRIES; ; triesLeft -= 1) {
      try {
        return await tryToWrite(client, group);
      } catch (error) {
        const isOfOthers = isConflict(error) || isNotFound(error);
        if (!isOfOthers || triesLeft === 0) throw error;
        await readAgain(client, group);
      }
    }
  }

  async function tryToWrite(client: TableClient, group: Group): Promise<void> {
    const { key, recent, stored, pending } = group;
    const count = pending.length;
    const row = toRow(scorer, key, recent);
    const etag = await put(client, row, stored?.etag);
    // Rounded as other instances read it.
    own.settle(group, { etag, recent: fromText(row.count, row.weights) }, count);
  }

  async function readAgain(client: TableClient, group: Group): Promise<void> {
    const { partitionKey, rowKey } = toRow(scorer, group.key, group.recent);
    const newer = await getRow(client, partitionKey, rowKey);
    // Another instance has removed it, since it was old.
    if (newer === undefined) delete group.stored;
    else own.adopt(group.key, storedOf(newer));
  }

  async function look(): Promise<void> {
    const client = await loadClient();
    await read(client);
    for (const group of own.pending()) await write(client, group);
  }

  /** Runs one at a time. */
  async function sync(): Promise<void> {
    looking = looking.then(() => background.run('calibration', look));
    await looking;
  }

  return {
    sync,
    start: async () => {
      await Promise.race([sync(), delay(START_MS, undefined, { ref: false })]);
      background.repeat(sync, () => SYNC_MS);
    },
  };
}

/** Removes the groups without decisions since a time; returns their number. */
export async function purgeOwnQuantiles(client: TableClient, before: Date): Promise<number> {
  const filter = `PartitionKey eq '${PARTITION}' and at lt '${before.toISOString()}'`;
  return removeRows(client, await readRows(client, filter));
}

/** Creates a row, or replaces the one with an ETag; returns the new ETag. */
async function put(
  client: TableClient,
  row: ReturnType<typeof toRow>,
  etag: string | undefined,
): Promise<string> {
  let written: { readonly etag?: string } = {};
  if (etag !== undefined) {
    written = await client.updateEntity(row, 'Replace', { etag });
  } else {
    await writeToTable(client, async () => {
      written = await client.createEntity(row);
    });
  }
  return written.etag ?? '';
}

function toRow(scorer: string, { strong, weak, useCase }: GroupKey, recent: Group['recent']) {
  const id = JSON.stringify([scorer, strong, weak, useCase]);
  return {
    partitionKey: PARTITION,
    rowKey: createHash('sha256').update(id).digest('hex').slice(0, 32),
    scorer,
    strong,
    weak,
    ...(useCase !== undefined && { useCase }),
    count: Math.min(recent.count, MAX_COUNT),
    weights: toText(recent),
    at: new Date().toISOString(),
  };
}

function keyOf({ strong, weak, useCase }: Row): GroupKey {
  return {
    strong: String(strong),
    weak: String(weak),
    ...(useCase !== undefined && { useCase: String(useCase) }),
  };
}

function storedOf({ etag, count, weights }: Row): NonNullable<Group['stored']> {
  return { etag: String(etag), recent: fromText(Number(count), String(weights)) };
}

function quoted(text: string): string {
  return text.replaceAll("'", "''");
}
