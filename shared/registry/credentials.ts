import { HttpError, InvalidRequestError } from '../base/errors.ts';
import { errorKind } from '../base/log.ts';
import type { Deployment } from '../upstream/deployment.ts';
import type { DeploymentDefinition } from './definitions.ts';
import { authOf } from './to-deployment.ts';

type CredentialOptions = {
  /** The values of the app settings that may be named. */
  readonly upstreamKeys: ReadonlyMap<string, string>;
  /** The deployments of the settings, by name. */
  readonly settings: ReadonlyMap<string, Deployment>;
  /** The secrets that may be named. */
  readonly secrets: readonly string[];
  readonly readSecret: (name: string) => Promise<string>;
  readonly now?: () => number;
};

export type Credentials = {
  /** Throws an InvalidRequestError if a definition names a credential that it may not use. */
  check(name: string, definition: DeploymentDefinition): void;
  /** Returns a deployment's key; undefined if it needs none. Throws as `check`, or a SecretError. */
  resolve(name: string, definition: DeploymentDefinition): Promise<string | undefined>;
};

/** Secrets are read again after this time, so that a changed one comes into force by itself. */
const KEPT_MS = 5 * 60_000;

/**
 * Reads the credentials that definitions name. Requests name settings and secrets and never contain them.
 * The operator lists those that may be named, and a key of the settings is sent only to its own address.
 */
export function createCredentials(options: CredentialOptions): Credentials {
  const { upstreamKeys, settings, readSecret, now = () => performance.now() } = options;
  const kept = new Map<string, { readonly secret: string; readonly at: number }>();

  async function fetchSecret(name: string): Promise<string> {
    const known = kept.get(name);
    if (known !== undefined && now() - known.at < KEPT_MS) return known.secret;
    try {
      const secret = await readSecret(name);
      kept.set(name, { secret, at: now() });
      return secret;
    } catch (error) {
      // While the vault cannot be reached, an old secret is better than none.
      if (known !== undefined) return known.secret;
      throw new SecretError(name, error);
    }
  }

  function check(name: string, definition: DeploymentDefinition): void {
    const auth = authOf(definition);
    if (auth.type === 'app_setting')
      checkListed('app setting', auth.name, [...upstreamKeys.keys()]);
    if (auth.type === 'key_vault_secret') {
      checkListed('secret of ROUTER_KEY_VAULT_SECRETS', auth.name, options.secrets);
    }
    if (auth.type === 'settings') checkOwn(settings.get(name), definition);
  }

  return {
    check,
    resolve: async (name, definition) => {
      check(name, definition);
      const auth = authOf(definition);
      switch (auth.type) {
        case 'app_setting':
          return upstreamKeys.get(auth.name);
        case 'key_vault_secret':
          return fetchSecret(auth.name);
        case 'settings':
          return settings.get(name)?.apiKey;
        default:
          return undefined;
      }
    },
  };
}

/** The named secret cannot be read now (503). */
class SecretError extends HttpError {
  constructor(name: string, cause: unknown) {
    super(
      `The secret ${name} cannot be read from the key vault (${errorKind(cause)}). Check that it exists and that the router's identity may read it (Key Vault Secrets User).`,
      { status: 503, type: 'server_error', code: 'secret_unavailable', cause },
    );
  }
}

function checkListed(what: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const list =
    known.length === 0 ? 'None is configured' : `The configured ones are ${known.join(', ')}`;
  throw new InvalidRequestError(
    `auth.name must be the name of ${what === 'app setting' ? 'an app setting that begins with UPSTREAM_KEY_' : `a ${what}`}, never a key. ${list}.`,
    { param: 'auth.name' },
  );
}

/** Throws unless the endpoint has the address of the settings' deployment: its key goes nowhere else. */
function checkOwn(own: Deployment | undefined, { endpoint }: DeploymentDefinition): void {
  if (own === undefined) {
    throw new InvalidRequestError(
      'auth.type settings is only for the deployments of the settings: name an app_setting or a key_vault_secret.',
      { param: 'auth' },
    );
  }
  const origin = URL.canParse(endpoint) ? new URL(endpoint).origin : undefined;
  if (origin === new URL(own.endpoint).origin) return;
  throw new InvalidRequestError(
    'auth.type settings is only for the address of this deployment in the settings: for another address, name an app_setting or a key_vault_secret.',
    { param: 'auth' },
  );
}
