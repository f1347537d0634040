/** One message of a conversation. Other fields are passed on to the model. */
export type ChatMessage = {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function';
  readonly content?: string | readonly ContentPart[] | null;
  readonly name?: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
  readonly [field: string]: unknown;
};

/** A part of a message, such as `{ type: 'text', text }` or `{ type: 'image_url', image_url }`. */
export type ContentPart = {
  readonly type: string;
  readonly text?: string;
  readonly image_url?: { readonly url: string; readonly detail?: 'auto' | 'low' | 'high' };
  readonly [field: string]: unknown;
};

export type ToolCall = {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
};

export type Tool = {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string;
    readonly parameters?: Readonly<Record<string, unknown>>;
    readonly strict?: boolean | null;
  };
};

/** How this request is routed. Give at most one of `threshold`, `strong_share` and `mode`. */
export type RoutingControls = {
  /** The win rate in [0, 1] at and above which the strong model answers. */
  readonly threshold?: number;
  /** The strong model's share of calls, in [0, 1]. */
  readonly strong_share?: number;
  readonly mode?: 'cost' | 'balanced' | 'quality';
  /** The deployments to choose from. */
  readonly models?: readonly string[];
  /** In a thread: whether it stays with its model while that pays, always, or not at all. */
  readonly session_affinity?: 'adaptive' | 'sticky' | 'none';
  /** Asks the router to explain its decision. */
  readonly explain?: boolean;
};

/** The fields of a request, all of them optional. */
export type ChatRequestFields = {
  /** The conversation. */
  readonly messages?: readonly ChatMessage[];
  /** One user message; it comes after those in `messages`. */
  readonly prompt?: string;
  /** The thread that the request continues; `client.thread(id).send()` sets it. */
  readonly thread_id?: string;
  readonly routing?: RoutingControls;
  /** A deployment to call, or `router-mf-<threshold>`. Default: the router chooses. */
  readonly model?: string;
  readonly stream?: boolean | null;
  readonly stream_options?: { readonly include_usage?: boolean } | null;
  readonly temperature?: number | null;
  readonly top_p?: number | null;
  readonly max_tokens?: number | null;
  readonly max_completion_tokens?: number | null;
  readonly n?: number | null;
  readonly stop?: string | readonly string[] | null;
  readonly seed?: number | null;
  readonly tools?: readonly Tool[];
  readonly tool_choice?:
    | 'none'
    | 'auto'
    | 'required'
    | { readonly type: 'function'; readonly function: { readonly name: string } };
  readonly response_format?: {
    readonly type: 'text' | 'json_object' | 'json_schema';
    readonly [field: string]: unknown;
  };
  readonly user?: string;
  readonly [field: string]: unknown;
};

/**
 * The body of OpenAI's chat completions, extended by `prompt` and `routing`. It needs `messages` or
 * `prompt`; other fields are passed on to the model.
 */
export type ChatRequest = ChatRequestFields &
  ({ readonly prompt: string } | { readonly messages: readonly ChatMessage[] });

export type FinishReason =
  | 'stop'
  | 'length'
  | 'tool_calls'
  | 'content_filter'
  | 'function_call'
  | null;

export type Usage = {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly [field: string]: unknown;
};

/** The whole answer. Other fields are those of the model's service. */
export type ChatCompletion = {
  readonly id: string;
  readonly object: 'chat.completion';
  readonly created: number;
  /** The model by the service's name; `selected_model` is the router's name for it. */
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly message: {
      readonly role: 'assistant';
      readonly content: string | null;
      readonly refusal?: string | null;
      readonly tool_calls?: readonly ToolCall[];
      readonly [field: string]: unknown;
    };
    readonly finish_reason: FinishReason;
    readonly [field: string]: unknown;
  }[];
  readonly usage?: Usage;
  /** The text of the first choice; null when there is none, as in a tool call. */
  readonly response: string | null;
  readonly selected_model: string;
  readonly routing: RoutingFacts;
  readonly [field: string]: unknown;
};

/** A piece of a streamed answer. `choices` is empty in pieces that carry no text, such as usage. */
export type ChatCompletionChunk = {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta: {
      readonly role?: string;
      readonly content?: string | null;
      readonly refusal?: string | null;
      readonly tool_calls?: readonly {
        readonly index: number;
        readonly id?: string;
        readonly type?: 'function';
        readonly function?: { readonly name?: string; readonly arguments?: string };
      }[];
      readonly [field: string]: unknown;
    };
    readonly finish_reason: FinishReason;
    readonly [field: string]: unknown;
  }[];
  readonly usage?: Usage | null;
  readonly [field: string]: unknown;
};

/**
 * A streamed answer, which can be read once with `for await`. Leaving the loop early ends the
 * request. An answer that breaks off throws, so without an error it was complete.
 */
export type ChatCompletionStream = AsyncIterable<ChatCompletionChunk> & {
  readonly routing: RoutingFacts;
  /** Ends the request of a stream that nobody will read. */
  cancel(): Promise<void>;
};

/**
 * The router's decision, from the `x-smart-router-*` headers. A field is absent when its header is:
 * the prompt was not scored, a cache in front of the router answered, or CORS rules do not expose
 * the header.
 */
export type RoutingFacts = {
  /** Identifies this call in the router's decisions, outcomes and logs. */
  readonly requestId?: string;
  readonly selectedModel?: string;
  /** `direct` when the request named its deployment. */
  readonly tier?: 'strong' | 'weak' | 'direct';
  /** The share, 0 to 1, of prompts with a lower win rate: 0.88 is harder than 88% of prompts. */
  readonly percentile?: number;
  /** The predicted win rate in [0, 1] of the strong model over the weak one. */
  readonly winRate?: number;
  readonly threshold?: number;
  readonly reason?: string;
  /** The scorer as `id@version`. */
  readonly scorer?: string;
  readonly embeddingCache?: 'hit' | 'miss' | 'none';
  /** The number of calls that the router made to models until one answered. */
  readonly attempts?: number;
  /** The models called, in order, and the result of each: `weak;429, strong;200`. */
  readonly attemptChain?: string;
  /** The router's changes to the request for the model: `temperature;dropped`. */
  readonly warnings?: string;
  /** The thread that the answer was added to. */
  readonly threadId?: string;
  /** In a thread: whether its model is its first, the same as before, or another. */
  readonly session?: 'initialize' | 'retain' | 'switch';
  /** The router's own time in milliseconds, without the model's. */
  readonly overheadMs?: number;
  /** The body's own `routing`, if the router sent one. */
  readonly explanation?: unknown;
};
