import type { Json, SchemaName } from './components.ts';

/** A query parameter that `parameters.ts` describes. */
export type QueryName =
  | 'dry_run'
  | 'probe'
  | 'user'
  | 'limit'
  | 'after'
  | 'before'
  | 'order'
  | 'from'
  | 'to'
  | 'use_case'
  | 'deployment'
  | 'tier'
  | 'reason'
  | 'caller'
  | 'by';

/** The parameters that paths have, in the order in which the document lists them. */
export const PATH_PARAMETERS = ['deployment', 'name', 'id', 'item'] as const;
export type PathParameter = (typeof PATH_PARAMETERS)[number];

/** An error status that `responses.ts` describes. */
export type ErrorStatus =
  | (400 | 401 | 403 | 404 | 408 | 409 | 412 | 413 | 415 | 422 | 429 | 431)
  | (500 | 501 | 502 | 503 | 504);

/** The headers that an answer has alongside the common ones. */
export type HeaderKind = 'common' | 'passed' | 'decided' | 'entry';

type Example = { readonly schema: SchemaName; readonly example: unknown };

type JsonAnswer = Example & {
  readonly description: string;
  /** Default: `common`. */
  readonly headers?: HeaderKind;
  /** The data of one event, if the answer may be streamed. */
  readonly events?: Example;
};

type FileAnswer = { readonly description: string; readonly fileTypes: readonly string[] };

type EmptyAnswer = { readonly description: string };

export type Answer = JsonAnswer | FileAnswer | EmptyAnswer;

/** One route: how it is called, which `functions/` serves, and its description for the OpenAPI document. */
export type Operation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: `/${string}`;
  /** Callers that are admitted: everybody, holders of a key, or only admins among them. */
  readonly access: 'open' | 'key' | 'admin';
  readonly tag: keyof typeof TAGS;
  /** The operation's name in API Management, of at most 300 characters. */
  readonly summary: string;
  readonly description: string;
  /** True if request headers can say how to route. */
  readonly isRouted?: boolean;
  /** True if `If-Match` and `If-None-Match` are heeded. */
  readonly isConditional?: boolean;
  readonly query?: readonly QueryName[];
  /** True if `Idempotency-Key` is heeded. */
  readonly isIdempotent?: boolean;
  /** The JSON body; absent if the route takes none. */
  readonly body?: {
    readonly schema: SchemaName;
    readonly example: Json;
    /** True if the body is mostly lists of numbers: it may have more values and more bytes than others. */
    readonly isNumeric?: boolean;
  };
  /** The answers that are not errors, and any that replace an error of the same status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** The errors in addition to those of its access and its body, which `responses.ts` adds. */
  readonly errors?: readonly ErrorStatus[];
};

/** The names of the parameters in a path, in the order of `PATH_PARAMETERS`. */
export function pathParametersOf(path: string): readonly PathParameter[] {
  return PATH_PARAMETERS.filter((name) => path.includes(`{${name}}`));
}

export const TAGS = {
  chat: 'Chat completions, each answered by the cheapest model that will do it well.',
  embeddings: 'Embeddings, passed through to the embedding deployment.',
  routing: 'Decisions without calls, and the models that can be called.',
  threads: 'Conversations that the router keeps.',
  'vector-stores': 'Stores of embeddings.',
  decisions: 'Decisions, and how good they were.',
  registry: 'Deployments and the policies of use cases, which admins change while the router runs.',
  service: 'The service itself. No key is needed.',
};
