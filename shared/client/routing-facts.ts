import type { RoutingFacts } from './chat-completion.ts';

const TIERS = ['strong', 'weak', 'direct'] as const;
const SESSION_STEPS = ['initialize', 'retain', 'switch'] as const;
const CACHE_STATES = ['hit', 'miss', 'none'] as const;

export function readRoutingFacts(headers: Headers, explanation?: unknown): RoutingFacts {
  const text = (name: string) => headers.get(`x-smart-router-${name}`) ?? undefined;
  const number = (name: string) => {
    const value = Number.parseFloat(text(name) ?? '');
    return Number.isNaN(value) ? undefined : value;
  };
  return withoutUndefined({
    requestId: readRequestId(headers),
    selectedModel: text('selected-model'),
    tier: TIERS.find((tier) => tier === text('tier')),
    percentile: number('percentile'),
    winRate: number('win-rate'),
    threshold: number('threshold'),
    reason: text('reason'),
    scorer: text('scorer'),
    embeddingCache: CACHE_STATES.find((state) => state === text('embedding-cache')),
    attempts: number('attempts'),
    attemptChain: text('attempt-chain'),
    warnings: text('warnings'),
    threadId: text('thread'),
    session: SESSION_STEPS.find((step) => step === text('session')),
    overheadMs: number('overhead-ms'),
    explanation,
  });
}

/** Returns the router's id of the call, or the id of a service that answered instead. */
export function readRequestId(headers: Headers): string | undefined {
  return headers.get('x-smart-router-request-id') ?? headers.get('x-request-id') ?? undefined;
}

function withoutUndefined(
  facts: {
    readonly [Key in keyof RoutingFacts]-?: RoutingFacts[Key] | undefined;
  },
): RoutingFacts {
  const entries = Object.entries(facts).filter(([, value]) => value !== undefined);
  // The entries are those of `facts` without undefined values.
  return Object.fromEntries(entries) as RoutingFacts;
}
