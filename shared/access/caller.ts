import { HttpError } from '../base/errors.ts';

/** Who is calling, once that is proven. */
export type Caller = {
  /** For logs, limits and the decision log: the key's name, the token's subject, the subscription's id. */
  readonly name: string;
  /** `admin` may change what the router does for everybody. */
  readonly role: 'user' | 'admin';
  /** The use cases that it may name; absent: any. */
  readonly useCases?: readonly string[];
  /** The deployments that may answer it; absent: any. */
  readonly deployments?: readonly string[];
};

/** What a credential shows. */
export type Identity = {
  readonly caller: Caller;
  /** The front door calls, for somebody whom it names; the caller is the front door itself. */
  readonly isFrontDoor: boolean;
};

/** What may name a caller or a use case: harmless in logs, headers and keys of tables. */
export function isName(text: string): boolean {
  return /^[\w.:-]{1,64}$/.test(text);
}

/** What the caller says it is doing. What is no name counts as none: it may be anything. */
export function readUseCase(header: (name: string) => string | null): string | undefined {
  // Some proxies drop names with an underscore.
  const useCase = header('x-use_case') ?? header('x-use-case');
  return useCase !== null && isName(useCase) ? useCase : undefined;
}

/** Throws a 403 when the caller is limited to use cases and names none of them. */
export function checkUseCase(caller: Caller | undefined, useCase: string | undefined): void {
  const allowed = caller?.useCases;
  if (allowed === undefined || (useCase !== undefined && allowed.includes(useCase))) return;
  throw new ForbiddenError(
    `You may call for the use cases ${allowed.join(', ')} only: name one of them in X-USE_CASE.`,
    { code: 'use_case_not_allowed', param: 'X-USE_CASE' },
  );
}

/** Throws a 403 when the caller is no admin. A router that is open to all, on its own machine, has no callers. */
export function checkAdmin(caller: Caller | undefined): void {
  if (caller === undefined || caller.role === 'admin') return;
  throw new ForbiddenError(
    'This needs an admin: a key with role=admin in ROUTER_API_KEYS, or a token with the role of ENTRA_ADMIN_ROLE.',
    { code: 'admin_required' },
  );
}

/** Whose it is what a call makes and finds; without callers all is one's. */
export function ownerOf({ caller }: { readonly caller?: Caller }): string {
  return caller?.name ?? 'anonymous';
}

/** True when the deployment may answer the caller. */
export function mayCall(caller: Caller | undefined, deploymentName: string): boolean {
  return caller?.deployments?.includes(deploymentName) ?? true;
}

/** The caller is known, and may not do this (403). */
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

/** The caller names a deployment that it may not call, or none that it may call is left. */
export class DeploymentNotAllowedError extends ForbiddenError {
  constructor(caller: Caller, param: string) {
    super(
      `You may call the deployments ${caller.deployments?.join(', ')} only: name one of them, or let the router choose among them.`,
      { code: 'deployment_not_allowed', param },
    );
  }
}
