import type { TokenCredential } from '@azure/identity';

export type GetToken = () => Promise<string>;

/** A token is renewed this long before it expires, so that none expires on its way. */
const RENEWAL_MS = 5 * 60_000;

/**
 * Creates a loader of this app's identity: a managed identity in Azure, the developer's sign-in
 * elsewhere. It loads at the first call, because an app that works with keys never needs it.
 */
export function createAzureCredential(): () => Promise<TokenCredential> {
  let credential: Promise<TokenCredential> | undefined;
  return () => {
    credential ??= import('@azure/identity').then(
      ({ DefaultAzureCredential }) => new DefaultAzureCredential(),
    );
    return credential;
  };
}

/** Provides bearer tokens for Azure OpenAI, each kept until shortly before it expires. */
export function createTokenProvider(
  loadCredential: () => Promise<TokenCredential>,
  { now = Date.now, elapsedMs = () => performance.now() } = {},
): GetToken {
  const scope = 'https://cognitiveservices.azure.com/.default';
  /** `endsAt` is of `elapsedMs`: if the time of day were set back, an expired token would be sent. */
  let current: { token: string; endsAt: number } | undefined;
  let renewal: Promise<string> | undefined;

  /** The current token, unless it expires within this time. */
  function held(marginMs: number): string | undefined {
    return current !== undefined && elapsedMs() < current.endsAt - marginMs
      ? current.token
      : undefined;
  }

  async function renew(): Promise<string> {
    const credential = await loadCredential();
    const fresh = await credential.getToken(scope);
    if (fresh === null) throw new Error('The credential gave no token for Azure OpenAI.');
    current = { token: fresh.token, endsAt: elapsedMs() + fresh.expiresOnTimestamp - now() };
    return fresh.token;
  }

  return () => {
    const token = held(RENEWAL_MS);
    if (token !== undefined) return Promise.resolve(token);
    renewal ??= renew()
      .catch((error: unknown) => {
        // Later callers can try again in the minutes that are left.
        const old = held(0);
        if (old === undefined) throw error;
        return old;
      })
      .finally(() => {
        renewal = undefined;
      });
    return renewal;
  };
}
