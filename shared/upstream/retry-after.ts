/** Headers that say when to try again, for clients that read seconds and for those that read milliseconds. */
export function retryAfterHeaders(waitMs: number): Readonly<Record<string, string>> {
  const ms = Math.max(1, Math.ceil(waitMs));
  return { 'retry-after': String(Math.ceil(ms / 1000)), 'retry-after-ms': String(ms) };
}

/**
 * Reads the wait that an answer asks for, in ms; undefined if it asks for none. `retry-after-ms` comes
 * first, as in OpenAI's clients; `retry-after` is in seconds or an HTTP date (RFC 9110 10.2.3). `now` is
 * in ms since 1970.
 */
export function parseRetryAfter(
  headers: Readonly<Record<string, string>>,
  now: number,
): number | undefined {
  const ms = toWait(headers['retry-after-ms'], 1);
  if (ms !== undefined) return ms;
  const value = headers['retry-after'];
  return toWait(value, 1_000) ?? positive(Date.parse(value ?? '') - now);
}

function toWait(value: string | undefined, unitMs: number): number | undefined {
  return value === undefined ? undefined : positive(Number(value) * unitMs);
}

/** Returns undefined for a wait that is not a number, is over, or has no end. */
function positive(ms: number): number | undefined {
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
