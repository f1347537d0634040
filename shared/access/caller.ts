import { HttpError } from '../base/errors.ts';

/** The proven identity of a caller. */
export type Caller = {
  /**
   * The name in logs, limits and the decision log: the key's name, the token's subject or the
   * subscription's id.
   */
  readonly name: string;
  /** `admin` may change what the router does for everybody. */
  readonly role: 'user' | 'admin';
  /** The use cases that the caller may name; absent: any. */
  readonly useCases?: readonly string[];
  /** The deployments that may answer the caller; absent: any. */
  readonly deployments?: readonly string[];
  /** Whether the caller may give outcomes in the name of a judge or a system; admins may. */
  readonly isJudge?: boolean;
};

/** The identity that a credential proves. */
export type Identity = {
  readonly caller: Caller;
  /** True if `caller` is the front door, which names the caller that it calls for in a header. */
  readonly isFrontDoor: boolean;
};

/** True for a valid name of a caller or a use case. Such names are harmless in logs, headers and keys of tables. */
export function isName(text: string): boolean {
  return /^[\w.:-]{1,64}$/.test(text);
}

/** Reads the use case that the caller names. An invalid name counts as none, since it may be any text. */
export function readUseCase(header: (name: string) => string | null): string | undefined {
  // Some proxies drop names with an underscore.
  const useCase = header('x-use_case') ?? header('x-use-case');
  return useCase !== null && isName(useCase) ? useCase : undefined;
}

/** Throws a 403 if the caller is limited to certain use cases and names none of them. */
export function checkUseCase(caller: Caller | undefined, useCase: string | undefined): void {
  const allowed = caller?.useCases;
  if (allowed === undefined || (useCase !== undefined && allowed.includes(useCase))) return;
  throw new ForbiddenError(
    `You may only call for the use cases ${allowed.join(', ')}: name one of them in X-USE_CASE.`,
    { code: 'use_case_not_allowed', param: 'X-USE_CASE' },
  );
}

/**
 * Throws a 403 if the caller is not an admin. A router that is open to everybody, on its own machine, has
 * no callers.
 */
export function checkAdmin(caller: Caller | undefined): void {
  if (caller === undefined || caller.role === 'admin') return;
  throw new ForbiddenError(
    'This needs an admin: a key with role=admin in ROUTER_API_KEYS, or a token with the role of ENTRA_ADMIN_ROLE.',
    { code: 'admin_required' },
  );
}

/** Throws a 403 if the caller gives an outcome in the name of somebody that it may not speak for. */
export function checkOutcomeSource(caller: Caller | undefined, source: string): void {
  if (source === 'user' || caller === undefined) return;
  if (caller.role === 'admin' || caller.isJudge) return;
  throw new ForbiddenError(
    `Only admins, and keys with judge=true in ROUTER_API_KEYS, may give outcomes of the source ${source}: leave it out.`,
    { code: 'source_not_allowed', param: 'source' },
  );
}

/** The owner of everything that a call creates and finds; without callers everything has one owner. */
export function ownerOf({ caller }: { readonly caller?: Caller }): string {
  return caller?.name ?? 'anonymous';
}

/** True if the deployment may answer the caller. */
export function mayCall(caller: Caller | undefined, deploymentName: string): boolean {
  return caller?.deployments?.includes(deploymentName) ?? true;
}

/** The caller is known, but not allowed to do this (403). */
export class ForbiddenError extends HttpError {
  constructor(
    message: string,
    options: {
      readonly code: string;
      readonly param?: string;
      readonly headers?: Readonly<Record<string, string>>;
    },
  ) {
    super(message, { status: 403, type: 'permission_error', ...options });
  }
}

/** The caller names a deployment that it may not call, or none is left that it may call (403). */
export class DeploymentNotAllowedError extends ForbiddenError {
  constructor(caller: Caller, param: string) {
    super(
      `You may only call the deployments ${caller.deployments?.join(', ')}: name one of them, or let the router choose among them.`,
      { code: 'deployment_not_allowed', param },
    );
  }
}
