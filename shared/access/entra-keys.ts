import type { LocalJWKSet } from 'jose';
import { HttpError } from '../base/errors.ts';

type EntraKeysOptions = {
  readonly url: string;
  readonly fetchTimeoutMs: number;
  /** In milliseconds, as `Date.now`. */
  readonly now: () => number;
};

/** Keys are asked for again after this time, without anybody waiting: they change once in weeks. */
const REFRESH_AFTER_MS = 3_600_000;

/** Keys this old are not believed any more: one of them may have been withdrawn long ago. */
const MAX_AGE_MS = 24 * 3_600_000;

/** A token of an unknown key makes the keys be fetched, but not sooner than this after the last. */
const UNKNOWN_KEY_COOLDOWN_MS = 30_000;

/** So long after a failure nobody asks: each caller would wait for the next one. */
const FAILURE_COOLDOWN_MS = 5_000;

/** It cannot be found out who calls: that is no reason to say that they may not. */
class AuthUnavailableError extends HttpError {
  constructor(cause: unknown) {
    super(
      'Microsoft Entra ID does not give its keys, so that no access token can be checked. Send the request again.',
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
 * cannot be known.
 */
export function createEntraKeys({ url, fetchTimeoutMs, now }: EntraKeysOptions) {
  let current: { readonly find: LocalJWKSet; readonly fetchedAt: number } | undefined;
  let failure: { readonly error: AuthUnavailableError; readonly at: number } | undefined;
  let refreshing: Promise<LocalJWKSet> | undefined;

  async function refresh(): Promise<LocalJWKSet> {
    try {
      const find = await fetchKeys(url, fetchTimeoutMs);
      current = { find, fetchedAt: now() };
      failure = undefined;
      return find;
    } catch (cause) {
      failure = { error: new AuthUnavailableError(cause), at: now() };
      throw failure.error;
    } finally {
      refreshing = undefined;
    }
  }

  /** One at a time, and none soon after one that failed. */
  async function refreshOnce(): Promise<LocalJWKSet> {
    if (failure !== undefined && now() - failure.at < FAILURE_COOLDOWN_MS) throw failure.error;
    refreshing ??= refresh();
    return refreshing;
  }

  async function load(): Promise<LocalJWKSet> {
    const ageMs = now() - (current?.fetchedAt ?? Number.NEGATIVE_INFINITY);
    if (current === undefined || ageMs > MAX_AGE_MS) return refreshOnce();
    // What comes of it is for the next caller; this one has keys.
    if (ageMs > REFRESH_AFTER_MS) void refreshOnce().catch(() => undefined);
    return current.find;
  }

  return async (...token: Parameters<LocalJWKSet>): ReturnType<LocalJWKSet> => {
    const { errors } = await import('jose');
    const find = await load();
    try {
      return await find(...token);
    } catch (error) {
      const isUnknown = error instanceof errors.JWKSNoMatchingKey;
      const isFresh = current !== undefined && now() - current.fetchedAt < UNKNOWN_KEY_COOLDOWN_MS;
      if (!isUnknown || isFresh) throw error;
      const fresh = await refreshOnce();
      return fresh(...token);
    }
  };
}

/** Throws unless it gets a set of keys. */
async function fetchKeys(url: string, timeoutMs: number): Promise<LocalJWKSet> {
  const { createLocalJWKSet } = await import('jose');
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, { signal, redirect: 'error' });
  const text = await response.text();
  if (!response.ok) throw new Error(`The keys were answered with ${response.status}.`);
  return createLocalJWKSet(JSON.parse(text));
}
