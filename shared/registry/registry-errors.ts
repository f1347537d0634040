import { HttpError } from '../base/errors.ts';
import { errorKind } from '../base/log.ts';
import type { Kind } from './definitions.ts';
import { wordOf } from './parse-definition.ts';
import type { Version } from './store.ts';

export function notFound(kind: Kind): HttpError {
  return new HttpError(`There is no ${wordOf(kind)} of this name. GET the list of them.`, {
    status: 404,
    code: 'not_found',
    param: 'name',
  });
}

/** The entry is not, or no more, what the change is meant for (412). */
export class PreconditionError extends HttpError {
  constructor(version: number | undefined) {
    const now = version === undefined ? 'there is none' : `its version is ${version}`;
    super(`The entry is not what If-Match or If-None-Match expects: ${now}. Read it again.`, {
      status: 412,
      code: 'precondition_failed',
      param: 'If-Match',
    });
  }
}

/** There is nowhere to keep a change (409). */
export class NotConfiguredError extends HttpError {
  constructor() {
    super(
      'The registry has no table to keep changes in: set TABLES_ENDPOINT or TABLES_CONNECTION_STRING.',
      { status: 409, code: 'registry_not_configured' },
    );
  }
}

/** The tables do not answer (503). */
export class UnreachableError extends HttpError {
  constructor(cause: unknown) {
    super(
      `The table of the registry cannot be reached (${errorKind(cause)}). What it last said stays in force; send the change again.`,
      {
        status: 503,
        type: 'server_error',
        code: 'registry_unreachable',
        headers: { 'retry-after': '5' },
        cause,
      },
    );
  }
}

/** A deployment of the settings, as they have it, cannot be deleted (409). */
export class InSettingsError extends HttpError {
  constructor() {
    super(
      'This deployment comes from the settings and is as they say: remove it there, or pause it with {"enabled": false}.',
      { status: 409, code: 'deployment_in_settings', param: 'name' },
    );
  }
}

/** One deployment at least must answer (409). */
export class LastDeploymentError extends HttpError {
  constructor() {
    super(
      'No deployment would be left to choose from: one at least must be enabled, with a model of the scorer that stands for it. Add or resume another one first.',
      { status: 409, code: 'last_deployment', param: 'enabled' },
    );
  }
}

/** There is nothing to go back to (404). */
export class NoSuchVersionError extends HttpError {
  constructor(versions: readonly Version[], isInSettings: boolean) {
    const known = versions.filter(({ definition }) => definition).map(({ version }) => version);
    const all = new Set([...known, ...(isInSettings ? [1] : [])]);
    super(`version must be one that the history has a definition of: ${[...all].join(', ')}.`, {
      status: 404,
      code: 'version_not_found',
      param: 'version',
    });
  }
}
