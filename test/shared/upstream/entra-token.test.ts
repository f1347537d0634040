import type { TokenCredential } from '@azure/identity';
import { describe, expect, test } from 'vitest';
import { createTokenProvider } from '../../../shared/upstream/entra-token.ts';

const HOUR_MS = 3_600_000;

/** Starts a credential that gives token-1, token-2, ... for an hour each, unless a step says otherwise. */
function start(steps: readonly ('fail' | 'none')[] = []) {
  const clock = { now: 0, setBy: 0 };
  const scopes: unknown[] = [];
  let asked = 0;
  const credential: TokenCredential = {
    getToken: async (scope) => {
      const step = steps[asked];
      asked += 1;
      scopes.push(scope);
      if (step === 'fail') throw new Error('sign-in failed');
      if (step === 'none') return null;
      return { token: `token-${asked}`, expiresOnTimestamp: clock.now + clock.setBy + HOUR_MS };
    },
  };
  const getToken = createTokenProvider(async () => credential, {
    now: () => clock.now + clock.setBy,
    elapsedMs: () => clock.now,
  });
  return { getToken, clock, scopes };
}

describe('a token', () => {
  test('is asked for Azure OpenAI', async () => {
    const { getToken, scopes } = start();
    await getToken();
    expect(scopes).toEqual(['https://cognitiveservices.azure.com/.default']);
  });

  test('is kept until five minutes before its end', async () => {
    const { getToken, clock } = start();
    expect(await getToken()).toBe('token-1');
    clock.now = HOUR_MS - 300_001;
    expect(await getToken()).toBe('token-1');
    clock.now = HOUR_MS - 300_000;
    expect(await getToken()).toBe('token-2');
    expect(await getToken()).toBe('token-2');
  });

  test('is renewed in time also when the clock is set back', async () => {
    const { getToken, clock } = start();
    await getToken();
    clock.setBy = -HOUR_MS;
    clock.now = HOUR_MS;
    expect(await getToken()).toBe('token-2');
  });

  test('is asked for once by concurrent callers', async () => {
    const { getToken, scopes } = start();
    expect(await Promise.all([getToken(), getToken(), getToken()])).toEqual([
      'token-1',
      'token-1',
      'token-1',
    ]);
    expect(scopes).toHaveLength(1);
  });

  test.each(['fail', 'none'] as const)(
    'that is unavailable (%s) fails all waiting callers, and is asked for again',
    async (step) => {
      const { getToken, scopes } = start([step]);
      const results = await Promise.allSettled([getToken(), getToken()]);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      expect(await getToken()).toBe('token-2');
      expect(scopes).toHaveLength(2);
    },
  );

  test('is used until it expires when it cannot be renewed', async () => {
    const { getToken, clock } = start([undefined as never, 'fail', 'fail']);
    await getToken();
    clock.now = HOUR_MS - 1_000;
    expect(await getToken()).toBe('token-1');
    clock.now = HOUR_MS;
    await expect(getToken()).rejects.toThrow('sign-in failed');
  });

  test('is asked for again after a credential could not be loaded', async () => {
    let loads = 0;
    const getToken = createTokenProvider(async () => {
      loads += 1;
      if (loads === 1) throw new Error('not yet');
      return {
        getToken: async () => ({ token: 'token', expiresOnTimestamp: Date.now() + HOUR_MS }),
      };
    });
    await expect(getToken()).rejects.toThrow('not yet');
    expect(await getToken()).toBe('token');
  });
});
