import { randomUUID } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import { getRow } from '../storage/read-rows.ts';
import type { Row } from '../storage/row.ts';
import { isConflict } from '../storage/tables.ts';
import { KeyInUseError } from './thread-errors.ts';
import { markKey } from './thread-rows.ts';

/** A key that one request has: no other request with the same key asks a model meanwhile. */
export type KeyHold = {
  /** The name by which the row of the key tells this request from others. */
  readonly holder: string;
  /** Renews the hold no more; it still lasts for a while, in which the answer's mark replaces it. */
  stop(): Promise<void>;
  /** Gives the key back, so that the request can be sent again at once. Never throws. */
  release(): Promise<void>;
};

/** A request that came with a key. */
export type KeyRequest = {
  /** The key's row as it was read; undefined if it did not exist. */
  readonly known: Row | undefined;
  readonly signal: AbortSignal;
};

type HoldOptions = {
  readonly client: TableClient;
  /** The thread's id. */
  readonly id: string;
  readonly now: () => number;
};

/** For how long the key of an instance that has crashed stays in use. */
const HOLD_MS = 45_000;
/** Two renewals may fail. */
const RENEW_MS = HOLD_MS / 3;

/**
 * Takes a key for a request, and keeps it until it is stopped or the request's signal is aborted. Throws a
 * KeyInUseError if another request has it, or has just been answered.
 */
export async function holdKey(
  { client, id, now }: HoldOptions,
  key: string,
  { known, signal }: KeyRequest,
): Promise<KeyHold> {
  if (known !== undefined && isHeld(known, now())) throw new KeyInUseError();
  const holder = randomUUID();
  const place = { partitionKey: id, rowKey: markKey(key) };
  const untilLater = () => ({ ...place, holder, heldUntil: toText(now() + HOLD_MS) });
  let etag: string | undefined;

  /** Writes only if nobody else has written since. */
  async function change(row: ReturnType<typeof untilLater>): Promise<void> {
    const limit = etag === undefined ? {} : { etag };
    ({ etag } = await client.updateEntity(row, 'Merge', limit));
  }

  try {
    if (known === undefined) ({ etag } = await client.createEntity(untilLater()));
    else {
      etag = known.etag;
      await change(untilLater());
    }
  } catch (error) {
    if (!isConflict(error)) throw error;
    // After a lost response, the client's own second attempt looks like another request's.
    const written = await getRow(client, id, place.rowKey);
    if (written?.['holder'] !== holder) throw new KeyInUseError();
    etag = written.etag;
  }

  let renewing: Promise<void> = Promise.resolve();
  const renew = () => {
    renewing = change(untilLater()).catch((error: unknown) => {
      if (isConflict(error)) clearInterval(timer);
    });
  };
  const timer = setInterval(renew, RENEW_MS).unref();
  const stopRenewing = () => clearInterval(timer);
  signal.addEventListener('abort', stopRenewing, { once: true });
  // The request may have ended while its key was written.
  if (signal.aborted) stopRenewing();
  async function stop(): Promise<void> {
    clearInterval(timer);
    signal.removeEventListener('abort', stopRenewing);
    await renewing;
  }

  return {
    holder,
    stop,
    release: async () => {
      await stop();
      const released =
        known === undefined
          ? client.deleteEntity(id, place.rowKey, etag === undefined ? {} : { etag })
          : change({ ...untilLater(), heldUntil: toText(0) });
      // A key that could not be given back is free after its time; a row that has changed is the answer's.
      await Promise.resolve(released).catch(() => undefined);
    },
  };
}

/** Whether a request has the key of this row. */
export function isHeld(row: Row, now: number): boolean {
  const { heldUntil } = row;
  return typeof heldUntil === 'string' && Date.parse(heldUntil) > now;
}

function toText(ms: number): string {
  return new Date(ms).toISOString();
}
