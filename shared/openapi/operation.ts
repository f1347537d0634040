import type { Json, SchemaName } from './components.ts';

/** Parameters of queries, which document.ts describes. */
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

export type Operation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Who may call: everybody, holders of a key, or admins among them. */
  readonly access: 'open' | 'key' | 'admin';
  readonly tag: keyof typeof TAGS;
  /** At most 300 characters: its name in API Management. */
  readonly summary: string;
  readonly description: string;
  /** Whether its request headers say how to route. */
  readonly routes?: boolean;
  /** Whether `If-Match` and `If-None-Match` are heeded. */
  readonly isConditional?: boolean;
  readonly query?: readonly QueryName[];
  /** Whether `Idempotency-Key` is heeded. */
  readonly isIdempotent?: boolean;
  readonly body?: { readonly schema: SchemaName; readonly example: Json };
  /** By status. */
  readonly responses: Json;
};

export const TAGS = {
  chat: 'Chat completions, each answered by the cheapest model that will do it well.',
  embeddings: 'Passed through to the embedding deployment.',
  routing: 'Decisions without calls, and what can be called.',
  threads: 'Conversations that are kept.',
  'vector-stores': 'Stores of embeddings.',
  decisions: 'What was decided, and how good it was.',
  registry: 'Deployments and the policies of use cases, while the router runs: for admins.',
  service: 'The service itself: no key is needed.',
};
