import type { Deployment } from '../upstream/deployment.ts';

/** The step that a conversation took with its model, and the rule that it followed. */
type Affinity = { readonly mode: string; readonly decision: string };

/** One deployment's turn at answering a request. */
export type Attempt = {
  readonly deployment: Deployment;
  /** False when it was not asked, because of its circuit, its rest or its queue. */
  readonly called: boolean;
  /** The status of its answer; absent when no answer came. */
  readonly status?: number;
  /** The code of its error, if it gave one. */
  readonly code?: string;
  readonly message?: string;
  /** The time until the answer or the first content of a stream came, in ms, the wait for a slot included. */
  readonly ms: number;
};

export function callsMade(attempts: readonly Attempt[]): number {
  return attempts.filter(({ called }) => called).length;
}

/** Adds the headers that give the number of calls and the result of each attempt. */
export function addAttemptHeaders(
  headers: Record<string, string>,
  attempts: readonly Attempt[],
): void {
  headers['x-smart-router-attempts'] = String(callsMade(attempts));
  if (attempts.length > 0) headers['x-smart-router-attempt-chain'] = attemptChain(attempts);
}

/** The deployments in the order of their turns, each with its result: `weak;429, strong;200`. */
export function attemptChain(attempts: readonly Attempt[]): string {
  return attempts
    .map((one) => `${encodeURIComponent(one.deployment.name)};${outcomeOf(one)}`)
    .join(', ');
}

/** The status of a deployment that answered; otherwise the code of what went wrong. */
function outcomeOf({ status, code }: Attempt): string {
  // A stream with status 200 may still be an error.
  const isFailure = status === undefined || (status === 200 && code !== undefined);
  return isFailure ? (code ?? 'failed') : String(status);
}

/**
 * The attempts in the shape of Microsoft Foundry's model router, so that a client of its answers can read
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
        // A deployment that never answered is reported as a bad gateway, since a status is expected here.
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
