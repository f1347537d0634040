import { HttpError, InvalidRequestError } from '../base/errors.ts';
import { errorKind } from '../base/log.ts';
import type { Deployment } from '../upstream/deployment.ts';
import type { DeploymentDefinition } from './definitions.ts';
import { authOf } from './to-deployment.ts';

type CredentialOptions = {
  /** The app settings that may be named, and their values. */
  readonly upstreamKeys: ReadonlyMap<string, string>;
  /** The deployments of the settings, by their names. */
  readonly settings: ReadonlyMap<string, Deployment>;
  /** The secrets that may be named. */
  readonly secrets: readonly string[];
  readonly readSecret: (name: string) => Promise<string>;
  readonly now?: () => number;
};

export type Credentials = {
  /** Throws an InvalidRequestError when a definition names a credential that it may not. */
  check(name: string, definition: DeploymentDefinition): void;
  /** The key that a deployment is called with; undefined when it needs none. Throws as `check`, and when it cannot be read. */
  resolve(name: string, definition: DeploymentDefinition): Promise<string | undefined>;
};

/** A secret is read again after so long: whoever changes it need not tell. */
const KEPT_MS = 5 * 60_000;

/**
 * The credentials that definitions name. Settings and secrets are named and never sent: those that may
 * be named are listed by the operator, and a key of the settings goes to its own address alone.
 */
export function createCredentials(options: CredentialOptions): Credentials {
  const { upstreamKeys, settings, readSecret, now = Date.now } = options;
  const kept = new Map<string, { readonly secret: string; readonly at: number }>();

  async function fetchSecret(name: string): Promise<string> {
    const known = kept.get(name);
    if (known !== undefined && now() - known.at < KEPT_MS) return known.secret;
    try {
      const secret = await readSecret(name);
      kept.set(name, { secret, at: now() });
      return secret;
    } catch (error) {
      // An old one is better than none while the vault cannot be reached.
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

/** A secret that may be named cannot be read now (503). */
class SecretError extends HttpError {
  constructor(name: string, cause: unknown) {
    super(
      `The secret ${name} cannot be read from the key vault (${errorKind(cause)}). See that it is there and that the router's identity may read it (Key Vault Secrets User).`,
      { status: 503, type: 'server_error', code: 'secret_unavailable', cause },
    );
  }
}

function checkListed(what: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const list = known.length === 0 ? 'There is none' : `There are ${known.join(', ')}`;
  throw new InvalidRequestError(
    `auth.name must be the name of ${what === 'app setting' ? 'an app setting that begins with UPSTREAM_KEY_' : `a ${what}`}, never a key. ${list}.`,
    { param: 'auth.name' },
  );
}

/** The settings' own deployment, at their own address: a key is never sent to another one. */
function checkOwn(own: Deployment | undefined, { endpoint }: DeploymentDefinition): void {
  if (own === undefined) {
    throw new InvalidRequestError(
      'auth.type settings is for the deployments of the settings alone: name an app_setting or a key_vault_secret.',
      { param: 'auth' },
    );
  }
  const origin = URL.canParse(endpoint) ? new URL(endpoint).origin : undefined;
  if (origin === new URL(own.endpoint).origin) return;
  throw new InvalidRequestError(
    'auth.type settings is for the address that the settings give this deployment: for another one, name an app_setting or a key_vault_secret.',
    { param: 'auth' },
  );
}
