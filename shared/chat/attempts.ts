import type { Deployment } from '../upstream/deployment.ts';

/** What a conversation did with its model, and by which rule. */
type Affinity = { readonly mode: string; readonly decision: string };

/** One deployment's turn at answering a request. */
export type Attempt = {
  readonly deployment: Deployment;
  /** False: it was not asked, because of its circuit, its rest or its queue. */
  readonly called: boolean;
  /** What it answered; absent when no answer came. */
  readonly status?: number;
  /** Of the error, if it was one. */
  readonly code?: string;
  readonly message?: string;
  /** Until the answer, or the first content of a stream, was there; the wait for a place included. */
  readonly ms: number;
};

export function callsMade(attempts: readonly Attempt[]): number {
  return attempts.filter(({ called }) => called).length;
}

/** How many calls were made, and what came of each attempt, as headers. */
export function addAttemptHeaders(
  headers: Record<string, string>,
  attempts: readonly Attempt[],
): void {
  headers['x-smart-router-attempts'] = String(callsMade(attempts));
  if (attempts.length > 0) headers['x-smart-router-attempt-chain'] = attemptChain(attempts);
}

/** `weak;429, strong;200`: the deployments in the order of their turns, each with what came of it. */
export function attemptChain(attempts: readonly Attempt[]): string {
  return attempts
    .map((one) => `${encodeURIComponent(one.deployment.name)};${outcomeOf(one)}`)
    .join(', ');
}

/** A deployment that answered is known by its status; one that did not, by what went wrong. */
function outcomeOf({ status, code }: Attempt): string {
  // A stream of status 200 may be an error all the same.
  const isFailure = status === undefined || (status === 200 && code !== undefined);
  return isFailure ? (code ?? 'failed') : String(status);
}

/**
 * The attempts in the shape of Microsoft Foundry's model router, so that what reads its answers reads
 * these: https://learn.microsoft.com/azure/foundry/openai/how-to/monitor-model-router.
 */
export function modelSelectionDetails(
  attempts: readonly Attempt[],
  facts: { readonly mode?: string; readonly decisionMs: number; readonly affinity?: Affinity },
): unknown {
  const trace = {
    latency_ms: Math.round(facts.decisionMs),
    attempts: attempts.map(({ deployment, status, code, message }) => ({
      model: deployment.modelName,
      result: {
        // What never answered is a bad gateway to whoever looks for a status.
        status: status ?? 502,
        ...((status !== 200 || code !== undefined) && {
          error: { code: code ?? String(status), message: message ?? 'The request failed.' },
        }),
      },
    })),
  };
  return {
    model_router_details: { ...(facts.mode && { mode: facts.mode }), routing_trace: [trace] },
    ...(facts.affinity && { session_affinity: facts.affinity }),
  };
}
