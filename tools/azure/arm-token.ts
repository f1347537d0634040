import { InputError } from '../command-line/input-error.ts';

const SCOPE = 'https://management.azure.com/.default';

/** The command-line tools fetch a token, and may be slow to start. */
const SIGN_IN_MS = 60_000;

/**
 * A token for Azure Resource Manager of whoever is signed in: a federated identity (its settings in
 * the environment), else azd, else the Azure CLI. Asked for once. Throws an InputError.
 */
export function createArmToken(): () => Promise<string> {
  let token: Promise<string> | undefined;
  return () => {
    token ??= readToken();
    return token;
  };
}

async function readToken(): Promise<string> {
  const {
    AzureCliCredential,
    AzureDeveloperCliCredential,
    ChainedTokenCredential,
    WorkloadIdentityCredential,
  } = await import('@azure/identity');
  const isFederated = (process.env['AZURE_FEDERATED_TOKEN_FILE'] ?? '') !== '';
  const credential = new ChainedTokenCredential(
    ...(isFederated ? [new WorkloadIdentityCredential()] : []),
    new AzureDeveloperCliCredential({ processTimeoutInMs: SIGN_IN_MS }),
    new AzureCliCredential({ processTimeoutInMs: SIGN_IN_MS }),
  );
  try {
    return (await credential.getToken(SCOPE)).token;
  } catch (cause) {
    throw new InputError(
      'Nobody is signed in to Azure: run azd auth login (or az login) first, or check the settings alone with --offline.',
      { cause },
    );
  }
}
