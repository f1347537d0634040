import { createHmac, timingSafeEqual } from 'node:crypto';

/** The row in which a request's decision is stored. */
export type Place = {
  readonly partition: string;
  readonly row: string;
  /** The time of the request, in ms since 1970. */
  readonly at: number;
};

export type RequestIds = {
  /** Creates the id of a request, which tells where its decision is stored. */
  create(invocationId: string): string;
  /** Returns undefined for a text that is not the id of a request routed by this router. */
  placeOf(requestId: string): Place | undefined;
};

/** The partitions of one day; each takes 2,000 operations per second. */
export const SHARDS = ['0', '1', '2', '3', '4', '5', '6', '7'] as const;

/** A time later than any other. */
const LAST_MS = 99_999_999_999_999;
const MAC_BYTES = 12;

const ID = /^([0-9a-f-]{36})\.([0-9a-z]{8,9})\.([\w-]{16})$/;

/**
 * Creates request ids of the form `<invocation>.<ms, base 36>.<signature>`. Every instance has the key and
 * can therefore tell that a decision exists before it is written. While the key is not known (`getKey`
 * returns undefined), the ids are those of the invocations, and their requests cannot be looked up.
 */
export function createRequestIds(
  getKey: () => Uint8Array | undefined,
  now: () => number = Date.now,
): RequestIds {
  function sign(invocation: string, time: string, key: Uint8Array): string {
    const mac = createHmac('sha256', key).update(`${invocation}.${time}`).digest();
    return mac.subarray(0, MAC_BYTES).toString('base64url');
  }

  return {
    create: (invocation) => {
      const key = getKey();
      const time = now().toString(36);
      return key === undefined
        ? invocation
        : `${invocation}.${time}.${sign(invocation, time, key)}`;
    },
    placeOf: (requestId) => {
      const [, invocation, time, signature] = ID.exec(requestId) ?? [];
      const key = getKey();
      if (invocation === undefined || time === undefined || key === undefined) return undefined;
      const expected = Buffer.from(sign(invocation, time, key));
      const isOurs = timingSafeEqual(expected, Buffer.from(signature ?? ''));
      return isOurs ? placeAt(invocation, Number.parseInt(time, 36)) : undefined;
    },
  };
}

function placeAt(invocation: string, at: number): Place {
  const shard = SHARDS[Number.parseInt(invocation.slice(0, 1), 16) % SHARDS.length] ?? SHARDS[0];
  return { partition: partitionOf(dayOf(at), shard), at, row: `d|${rowTime(at)}|${invocation}` };
}

/** Returns the day by UTC, such as `2026-11-27`. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

export function partitionOf(day: string, shard: string): string {
  return `${day}|${shard}`;
}

/** Returns a time as text; later times sort first. */
export function rowTime(at: number): string {
  return String(LAST_MS - at).padStart(14, '0');
}
