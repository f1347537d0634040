/** One message of a conversation. Fields not named here go through to the model. */
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

/** How this one request is routed. Of `threshold`, `strong_share` and `mode`, give one. */
export type RoutingControls = {
  /** Win rate in [0, 1] at and above which the strong model answers. */
  readonly threshold?: number;
  /** Share of calls for the strong model, in [0, 1]. */
  readonly strong_share?: number;
  readonly mode?: 'cost' | 'balanced' | 'quality';
  /** The deployments to choose from. */
  readonly models?: readonly string[];
  /** In a thread: whether its model stays while that pays, always, or not at all. */
  readonly session_affinity?: 'adaptive' | 'sticky' | 'none';
  /** Asks the router to explain its decision. */
  readonly explain?: boolean;
};

/** What a request has besides its messages. */
export type ChatRequestFields = {
  /** The conversation. */
  readonly messages?: readonly ChatMessage[];
  /** One user message; together with `messages`, the newest one. */
  readonly prompt?: string;
  /** The thread that it continues; `client.thread(id).send()` sets it. */
  readonly thread_id?: string;
  readonly routing?: RoutingControls;
  /** A deployment to call, or `router-mf-<threshold>`. Routed by the router unless given. */
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
 * The body of OpenAI's chat completions, with `prompt` and `routing` besides. Needs `messages` or
 * `prompt`; fields not named here go through to the model.
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

/** The whole answer. Fields not named here are what the model's service sent. */
export type ChatCompletion = {
  readonly id: string;
  readonly object: 'chat.completion';
  readonly created: number;
  /** What the service says it used; the router's own name for it is `selected_model`. */
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
 * A streamed answer, to be read once with `for await`. Leaving the loop early ends the request.
 * An answer that breaks off throws: no error means that it was complete.
 */
export type ChatCompletionStream = AsyncIterable<ChatCompletionChunk> & {
  readonly routing: RoutingFacts;
  /** Ends the request of a stream that will not be read. */
  cancel(): Promise<void>;
};

/**
 * What the router decided, from the `x-smart-router-*` headers. A fact is absent when its header
 * is: nothing was scored, a cache in front of the router answered, or the page's CORS rules do not
 * expose the headers.
 */
export type RoutingFacts = {
  /** Names this call in the router's decisions, outcomes and logs. */
  readonly requestId?: string;
  readonly selectedModel?: string;
  /** `direct` when the request named its deployment. */
  readonly tier?: 'strong' | 'weak' | 'direct';
  /** Predicted probability in [0, 1] that the strong model's answer beats the weak one's. */
  readonly winRate?: number;
  readonly threshold?: number;
  readonly reason?: string;
  /** `id@version` */
  readonly scorer?: string;
  readonly embeddingCache?: 'hit' | 'miss' | 'none';
  /** Calls that the router made to models until one answered. */
  readonly attempts?: number;
  /** Who was asked in turn, and what came of it: `weak;429, strong;200`. */
  readonly attemptChain?: string;
  /** What the router changed in the request for the model: `temperature;dropped`. */
  readonly warnings?: string;
  /** The thread that the answer was added to. */
  readonly threadId?: string;
  /** In a thread: whether its model is its first, the same as before, or another. */
  readonly session?: 'initialize' | 'retain' | 'switch';
  /** The router's own time, the model's excluded. */
  readonly overheadMs?: number;
  /** The body's own `routing`, if the router sent one. */
  readonly explanation?: unknown;
};
