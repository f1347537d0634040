import { HttpError } from '../base/errors.ts';
import { createStoreErrors, NotConfiguredError, NotFoundError } from '../storage/store-errors.ts';
import type { Kind } from './definitions.ts';
import { wordOf } from './parse-definition.ts';
import type { Version } from './version.ts';

/** The entry does not exist (404). */
export class EntryNotFoundError extends NotFoundError {
  constructor(kind: Kind) {
    super(`There is no ${wordOf(kind)} with this name. GET the list to see those that exist.`, {
      code: 'not_found',
      param: 'name',
    });
  }
}

/** The entry is not the version that the change was meant for (412). */
export class PreconditionError extends HttpError {
  constructor(version: number | undefined) {
    const now = version === undefined ? 'it does not exist' : `its version is ${version}`;
    super(`The entry does not match If-Match or If-None-Match: ${now}. Read it again.`, {
      status: 412,
      code: 'precondition_failed',
      param: 'If-Match',
    });
  }
}

/** Other requests keep changing the entry (409). */
export class EntryConflictError extends HttpError {
  constructor() {
    super(
      'Other requests are changing this entry: nothing of this request was written. Send it again in a second.',
      { status: 409, code: 'entry_conflict', headers: { 'retry-after': '1' } },
    );
  }
}

/** No table for the registry is configured (409). */
export class RegistryNotConfiguredError extends NotConfiguredError {
  constructor() {
    super(
      'No table for the registry is configured: set TABLES_ENDPOINT or TABLES_CONNECTION_STRING.',
      'registry_not_configured',
    );
  }
}

export const { toError: toRegistryError } = createStoreErrors({
  what: 'The table of the registry',
  code: 'registry_unreachable',
  advice: 'What was last read from it stays in force; send the change again.',
  retryAfter: 5,
});

/** An unchanged deployment of the settings cannot be deleted (409). */
export class InSettingsError extends HttpError {
  constructor() {
    super(
      'This deployment comes from the settings: remove it there, or pause it with {"enabled": false}.',
      { status: 409, code: 'deployment_in_settings', param: 'name' },
    );
  }
}

/** The change would leave no deployment that the router can choose (409). */
export class LastDeploymentError extends HttpError {
  constructor() {
    super(
      'No deployment would be left to choose from: at least one must be enabled and represented by a model of the scorer. Add or resume another one first.',
      { status: 409, code: 'last_deployment', param: 'enabled' },
    );
  }
}

/** The history has no definition of this version to go back to (404). */
export class NoSuchVersionError extends NotFoundError {
  constructor(versions: readonly Version[], isInSettings: boolean) {
    const known = versions.filter(({ definition }) => definition).map(({ version }) => version);
    const all = new Set([...known, ...(isInSettings ? [1] : [])]);
    super(`version must be one whose definition is in the history: ${[...all].join(', ')}.`, {
      code: 'version_not_found',
      param: 'version',
    });
  }
}
