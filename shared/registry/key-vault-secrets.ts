import type { TokenCredential } from '@azure/identity';
import type { SecretClientOptions } from '@azure/keyvault-secrets';

const TIMEOUT_MS = 5_000;

/**
 * Creates a function that reads secrets of a vault with this app's identity. A secret is a key that is
 * sent in a header; the function throws for a value that cannot be one.
 */
export function createReadSecret(
  vaultUrl: string,
  loadCredential: () => Promise<TokenCredential>,
  options: SecretClientOptions = {},
): (name: string) => Promise<string> {
  return async (name) => {
    // Not loaded at the start, since few deployments need it.
    const { SecretClient } = await import('@azure/keyvault-secrets');
    const client = new SecretClient(vaultUrl, await loadCredential(), options);
    const abortSignal = AbortSignal.timeout(TIMEOUT_MS);
    const { value } = await client.getSecret(name, { abortSignal });
    if (value !== undefined && /^[\x21-\x7e]+$/.test(value)) return value;
    throw new Error(`The secret ${name} is not a line of printable ASCII.`);
  };
}
