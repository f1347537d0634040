import { InputError } from '../command-line/input-error.ts';

const SCOPE = 'https://management.azure.com/.default';

/** Time limit in milliseconds; the command-line tools that fetch a token may be slow to start. */
const SIGN_IN_MS = 60_000;

/**
 * Creates a function that fetches a token for Azure Resource Manager, once. It signs in with a
 * federated identity (its settings are in the environment), else with azd, else with the Azure CLI.
 * It throws an InputError.
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
      'Nobody is signed in to Azure: run azd auth login (or az login) first, or check only the settings with --offline.',
      { cause },
    );
  }
}
