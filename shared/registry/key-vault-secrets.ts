import type { TokenCredential } from '@azure/identity';
import type { SecretClientOptions } from '@azure/keyvault-secrets';

const TIMEOUT_MS = 5_000;

/**
 * Makes the way to read a vault's secrets with this app's identity. What is read is a key that is
 * sent in a header; throws for what cannot be one.
 */
export function createReadSecret(
  vaultUrl: string,
  loadCredential: () => Promise<TokenCredential>,
  options: SecretClientOptions = {},
): (name: string) => Promise<string> {
  return async (name) => {
    // Few need it: it is not loaded at the start.
    const { SecretClient } = await import('@azure/keyvault-secrets');
    const client = new SecretClient(vaultUrl, await loadCredential(), options);
    const abortSignal = AbortSignal.timeout(TIMEOUT_MS);
    const { value } = await client.getSecret(name, { abortSignal });
    if (value !== undefined && /^[\x21-\x7e]+$/.test(value)) return value;
    throw new Error(`The secret ${name} is no line of printable ASCII.`);
  };
}
