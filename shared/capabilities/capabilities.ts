/** The features that a request may need and not every model has. */
export const FEATURES = [
  'tools',
  'parallel_tools',
  'images',
  'audio',
  'files',
  'json_schema',
  'json_object',
  'logprobs',
  'n',
  'stop',
] as const;
export type Feature = (typeof FEATURES)[number];

/** The two names of the limit on the completion's tokens. */
export const TOKEN_LIMITS = ['max_completion_tokens', 'max_tokens'] as const;
export type TokenLimit = (typeof TOKEN_LIMITS)[number];

/** When a model takes sampling parameters (temperature, top_p, ...) other than the default. */
export const SAMPLING = ['always', 'without-reasoning', 'never'] as const;

/**
 * When function tools exclude reasoning. `when-given`: a request with tools must not give an
 * effort. `always`: it must give the effort `none`.
 */
export const TOOLS_EXCLUDE_REASONING = ['never', 'when-given', 'always'] as const;

/** The values of `reasoning_effort`, from the least reasoning to the most. */
export const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

/**
 * What a model takes, and how it must be asked. An absent limit is unknown, and nothing is checked.
 */
export type Capabilities = {
  /** The most tokens of prompt and completion together. */
  readonly contextTokens?: number;
  /** The most tokens of the prompt. */
  readonly inputTokens?: number;
  /** The most tokens of a completion, including reasoning tokens. */
  readonly outputTokens?: number;
  /** The features that it refuses. */
  readonly lacks: ReadonlySet<Feature>;
  /** The name that it accepts for the limit on the completion. */
  readonly tokenLimit: TokenLimit | 'both';
  readonly sampling: (typeof SAMPLING)[number];
  /** Whether it reasons without a `reasoning_effort` in the request. */
  readonly reasonsByDefault: boolean;
  readonly toolsExcludeReasoning: (typeof TOOLS_EXCLUDE_REASONING)[number];
  /** The values of `reasoning_effort` that it accepts; empty when it does not know the field. */
  readonly efforts?: readonly string[];
};

/** The capabilities of an unknown model: it may support everything, so requests pass unchanged. */
export const UNKNOWN_MODEL: Capabilities = {
  lacks: new Set(),
  tokenLimit: 'both',
  sampling: 'always',
  reasonsByDefault: false,
  toolsExcludeReasoning: 'never',
};

/**
 * How a deployment is called: `azure` by deployment in the path and api-version, `azure-v1` by
 * `/openai/v1`, `openai` as OpenAI itself and the many servers that copy it (Ollama, vLLM).
 */
export const API_STYLES = ['azure', 'azure-v1', 'openai'] as const;

export type ApiStyle = (typeof API_STYLES)[number];
