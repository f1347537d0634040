import { createHash } from 'node:crypto';
import type { Row } from '../registry/registry-rows.ts';
import type { PlacedMessage, StoredMessage, Thread } from './thread.ts';

// The rows of a thread are in a partition of its own: `head`, `m|<place>` for each message and
// `k|<hash>` for each key that an append was marked with. A user's threads are listed in another one.

export const HEAD = 'head';

export function messageKey(index: number): string {
  return `m|${String(index).padStart(10, '0')}`;
}

/** Keys of callers may be anything. */
export function markKey(key: string): string {
  return `k|${hash(key)}`;
}

/** The partition in which the threads of a caller's user are listed. */
export function listKey({ owner, user }: Pick<Thread, 'owner' | 'user'>): string {
  return `u|${hash(JSON.stringify([owner, user ?? null]))}`;
}

/** Later ones sort first. */
export function listRowKey({ createdAt, id }: Pick<Thread, 'createdAt' | 'id'>): string {
  return `${String(1e14 - createdAt).padStart(15, '0')}|${id}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function toHeadRow(thread: Thread): Row {
  const { id, owner, user, metadata, createdAt, expiresAt, count } = thread;
  return {
    ...{ partitionKey: id, rowKey: HEAD, owner, count },
    ...(user !== undefined && { user }),
    metadata: JSON.stringify(metadata),
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  };
}

/** Undefined for a thread that is being deleted. */
export function toThread(row: Row): Thread | undefined {
  if (row['isDeleted'] === true) return undefined;
  const user = row['user'];
  return {
    id: row.partitionKey,
    owner: String(row['owner']),
    ...(typeof user === 'string' && { user }),
    metadata: JSON.parse(String(row['metadata'])) as Thread['metadata'],
    createdAt: Date.parse(String(row['createdAt'])),
    expiresAt: Date.parse(String(row['expiresAt'])),
    count: Number(row['count']),
  };
}

/** `json` is the message of the row, which has it itself or in a blob. */
export function toPlaced(row: Row, json: string): PlacedMessage {
  return {
    index: Number(row.rowKey.slice(2)),
    at: Date.parse(String(row['at'])),
    isIncomplete: row['isIncomplete'] === true,
    message: JSON.parse(json) as StoredMessage,
  };
}
