/** A deployment that the simulator pretends to host. */
export type SimulatedDeployment = {
  readonly name: string;
  /** Model name without its version, such as `gpt-5.6-sol`. */
  readonly model: string;
  readonly kind: 'chat' | 'embeddings';
  /** Version date, such as `2026-07-09`: completions report `model-version`, as Azure does. */
  readonly version?: string;
  /** Wait before the first byte; the simulator's own `delayMs` unless given. */
  readonly delayMs?: number;
  /** Wait between two content chunks; the simulator's own `chunkDelayMs` unless given. */
  readonly chunkDelayMs?: number;
  /** Context window; no limit unless given. */
  readonly contextTokens?: number;
  /** Refuses the parameters that reasoning models refuse. */
  readonly isReasoningModel?: boolean;
  /** The most tokens that a completion may be asked to have; no limit unless given. */
  readonly outputTokens?: number;
  /** Parameters that it does not know; `developer` among them: that role. */
  readonly unknown?: readonly string[];
  /** Full length of an embedding; 1536 unless given. */
  readonly dimensions?: number;
};

export const DEFAULT_DEPLOYMENTS: readonly SimulatedDeployment[] = [
  { name: 'strong', model: 'gpt-5.6-sol', kind: 'chat', version: '2026-07-09' },
  { name: 'weak', model: 'gpt-5.6-luna', kind: 'chat', version: '2026-07-09' },
  { name: 'embedding', model: 'text-embedding-3-small', kind: 'embeddings' },
];

/** The model as a response names it: with its version date when it has one. */
export function servedModel(deployment: SimulatedDeployment): string {
  return deployment.version === undefined
    ? deployment.model
    : `${deployment.model}-${deployment.version}`;
}
