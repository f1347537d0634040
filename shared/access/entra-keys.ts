import type { RemoteJWKSet } from 'jose';
import type { Background } from '../base/background.ts';
import { HttpError } from '../base/errors.ts';

type EntraKeysOptions = {
  readonly url: string;
  readonly fetchTimeoutMs: number;
  /** A time in milliseconds, as `performance.now` gives it. */
  readonly now: () => number;
  readonly background: Background;
};

/** Keys of this age are fetched again while callers go on with them: they change once in weeks. */
const REFRESH_AFTER_MS = 3_600_000;

/** Keys older than this are not trusted any more: one of them may have been withdrawn long ago. */
const MAX_AGE_MS = 24 * 3_600_000;

/** The shortest time between a fetch and another one for a token of an unknown key. */
const UNKNOWN_KEY_COOLDOWN_MS = 30_000;

/** The time after a failure in which nothing is fetched: each caller would wait for the next failure. */
const FAILURE_COOLDOWN_MS = 5_000;

/** The caller cannot be identified now, which is no reason to refuse the caller with a 401. */
class AuthUnavailableError extends HttpError {
  constructor(cause: unknown) {
    super(
      'The keys of Microsoft Entra ID cannot be fetched, so that no access token can be checked. Send the request again.',
      {
        status: 503,
        type: 'server_error',
        code: 'auth_unavailable',
        headers: { 'retry-after': String(FAILURE_COOLDOWN_MS / 1000) },
        cause,
      },
    );
  }
}

/**
 * Finds the key that a token says it was signed with among a tenant's keys, which are fetched when
 * first needed and kept. Throws jose's JWKSNoMatchingKey when there is none, and a 503 when that
 * cannot be known. jose fetches the keys, one fetch at a time. When to fetch is decided here, because
 * jose would let callers wait for each renewal, refuse them all when one fails although it has keys,
 * and fetch again for each caller after a failure.
 */
export function createEntraKeys({ url, fetchTimeoutMs, now, background }: EntraKeysOptions) {
  let keys: RemoteJWKSet | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let failure: { readonly error: AuthUnavailableError; readonly at: number } | undefined;

  async function refresh({ reload }: RemoteJWKSet): Promise<void> {
    if (failure !== undefined && now() - failure.at < FAILURE_COOLDOWN_MS) throw failure.error;
    try {
      await reload();
    } catch (cause) {
      failure = { error: new AuthUnavailableError(cause), at: now() };
      throw failure.error;
    }
    fetchedAt = now();
    failure = undefined;
  }

  function refreshLater(some: RemoteJWKSet): void {
    void background.run('keys of Entra ID', () => refresh(some));
  }

  return async (...token: Parameters<RemoteJWKSet>): ReturnType<RemoteJWKSet> => {
    const { createRemoteJWKSet, errors } = await import('jose');
    // It never fetches by itself.
    keys ??= createRemoteJWKSet(new URL(url), {
      timeoutDuration: fetchTimeoutMs,
      cacheMaxAge: Number.POSITIVE_INFINITY,
      cooldownDuration: Number.POSITIVE_INFINITY,
    });
    const ageMs = now() - fetchedAt;
    if (ageMs > MAX_AGE_MS) await refresh(keys);
    // The next caller has the new keys; this one has keys already.
    else if (ageMs > REFRESH_AFTER_MS) refreshLater(keys);
    try {
      return await keys(...token);
    } catch (error) {
      const isUnknown = error instanceof errors.JWKSNoMatchingKey;
      if (!isUnknown || now() - fetchedAt < UNKNOWN_KEY_COOLDOWN_MS) throw error;
      await refresh(keys);
      return keys(...token);
    }
  };
}
