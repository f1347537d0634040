import type * as z from 'zod';
import type { routingDecisionsSchema } from '../shared/openapi/answer-schemas.ts';
import type {
  decisionListSchema,
  decisionSchema,
  statsSchema,
} from '../shared/openapi/decision-schemas.ts';
import type { readinessSchema } from '../shared/openapi/readiness-schema.ts';
import type { deploymentListSchema } from '../shared/openapi/registry-schemas.ts';

export type Stats = z.infer<typeof statsSchema>;
export type Sums = Stats['total'];
export type DecisionList = z.infer<typeof decisionListSchema>;
export type Decision = DecisionList['data'][number];
export type WholeDecision = z.infer<typeof decisionSchema>;
export type Readiness = z.infer<typeof readinessSchema>;
export type DeploymentList = z.infer<typeof deploymentListSchema>;
export type Routed = z.infer<typeof routingDecisionsSchema>;

/** A refusal of the router, or its absence (status 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

type Query = Readonly<Record<string, string | undefined>>;

export type Api = {
  get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T>;
  post<T>(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<T>;
  /** Address of the router, without a trailing slash. */
  readonly baseUrl: string;
  readonly credential: string | undefined;
};

/** Creates calls to the router that served this page. The credential stays in this page's memory. */
export function createApi(credential: string | undefined): Api {
  const baseUrl = new URL('.', document.baseURI).href.replace(/\/$/, '');

  async function send<T>(path: string, init: RequestInit): Promise<T> {
    const headers = new Headers(init.headers);
    if (credential !== undefined) headers.set('authorization', `Bearer ${credential}`);
    const response = await fetch(baseUrl + path, { ...init, headers }).catch((error: unknown) => {
      if (init.signal?.aborted) throw error;
      throw new ApiError('The router cannot be reached.', 0, 'unreachable');
    });
    const body = await response.json().catch(() => undefined);
    // A router that is not ready says so with its whole answer.
    if (response.ok || body?.status !== undefined) return body;
    const { message, code } = body?.error ?? {};
    throw new ApiError(
      message ?? `The router answered ${response.status}.`,
      response.status,
      String(code ?? 'unknown'),
    );
  }

  return {
    get: (path, query = {}, signal) => {
      const given = Object.entries(query).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      );
      const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
      return send(path + search, signal ? { signal } : {});
    },
    post: (path, body, headers = {}) =>
      send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    baseUrl,
    credential,
  };
}
