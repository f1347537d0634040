/** A deployment that the simulator pretends to host. */
export type SimulatedDeployment = {
  readonly name: string;
  /** Model name without its version, such as `gpt-5.6-sol`. */
  readonly model: string;
  readonly kind: 'chat' | 'embeddings';
  /** Version date, such as `2026-07-09`. Completions report `model-version`, as Azure does. */
  readonly version?: string;
  /** Wait before the first byte, in milliseconds; the default is the simulator's `delayMs`. */
  readonly delayMs?: number;
  /** Wait between two content chunks, in milliseconds; the default is the simulator's `chunkDelayMs`. */
  readonly chunkDelayMs?: number;
  /** Context window in tokens; no limit by default. */
  readonly contextTokens?: number;
  /** Whether the deployment refuses the parameters that reasoning models refuse. */
  readonly isReasoningModel?: boolean;
  /** Largest number of tokens that a request may ask for in a completion; no limit by default. */
  readonly outputTokens?: number;
  /** Unknown parameters; `developer` in the list stands for that role. */
  readonly unknown?: readonly string[];
  /** Full length of an embedding; 1536 by default. */
  readonly dimensions?: number;
};

export const DEFAULT_DEPLOYMENTS: readonly SimulatedDeployment[] = [
  { name: 'strong', model: 'gpt-5.6-sol', kind: 'chat', version: '2026-07-09' },
  { name: 'weak', model: 'gpt-5.6-luna', kind: 'chat', version: '2026-07-09' },
  { name: 'embedding', model: 'text-embedding-3-small', kind: 'embeddings' },
];

/** Returns the model's name as a response gives it: with its version date, if any. */
export function servedModel(deployment: SimulatedDeployment): string {
  return deployment.version === undefined
    ? deployment.model
    : `${deployment.model}-${deployment.version}`;
}
