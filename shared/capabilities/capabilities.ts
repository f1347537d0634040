/** What a request may need that not every model has. */
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

/** The two names of the limit to the completion's tokens. */
export const TOKEN_LIMITS = ['max_completion_tokens', 'max_tokens'] as const;
export type TokenLimit = (typeof TOKEN_LIMITS)[number];

/** When a model takes sampling parameters (temperature, top_p, ...) other than the default. */
export const SAMPLING = ['always', 'without-reasoning', 'never'] as const;

/**
 * When function tools exclude reasoning: `never`; `when-given`, an effort must not be given with
 * them; `always`, the effort must be given and be `none`.
 */
export const TOOLS_EXCLUDE_REASONING = ['never', 'when-given', 'always'] as const;

/** The values of `reasoning_effort`, from the least reasoning to the most. */
export const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

/** What a model takes, and how it wants to be asked. What is absent is not known: then anything goes. */
export type Capabilities = {
  /** Tokens of prompt and completion together. */
  readonly contextTokens?: number;
  /** Tokens of the prompt alone. */
  readonly inputTokens?: number;
  /** Tokens of a completion, those of the reasoning among them. */
  readonly outputTokens?: number;
  /** What it refuses. */
  readonly lacks: ReadonlySet<Feature>;
  /** The name by which it knows the limit to the completion. */
  readonly tokenLimit: TokenLimit | 'both';
  readonly sampling: (typeof SAMPLING)[number];
  /** It reasons when no `reasoning_effort` is given. */
  readonly reasonsByDefault: boolean;
  readonly toolsExcludeReasoning: (typeof TOOLS_EXCLUDE_REASONING)[number];
  /** The values of `reasoning_effort` that it knows; empty when it does not know the field. */
  readonly efforts?: readonly string[];
};

/** Nothing is known of the model: it may be able to do anything, and is asked as the client asks. */
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
