/** The `error` object of OpenAI's and Azure OpenAI's wire format. */
type ErrorBody = {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
};

type HttpErrorOptions = {
  readonly status: number;
  readonly type?: string;
  readonly code?: string;
  readonly param?: string;
  /** Headers of the answer, such as `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
};

/** An error that becomes an HTTP answer. The message never holds a key, a prompt or a body. */
export class HttpError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(message: string, options: HttpErrorOptions) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.status = options.status;
    this.type = options.type ?? 'invalid_request_error';
    this.code = options.code ?? null;
    this.param = options.param ?? null;
    this.headers = options.headers ?? {};
  }
}

/** The request is wrong (status 400 by default). `param` names the field or header. */
export class InvalidRequestError extends HttpError {
  constructor(message: string, options: Partial<HttpErrorOptions> = {}) {
    super(message, { status: 400, code: 'invalid_value', ...options });
  }
}

/** There is no deployment or route of that name (404, with Azure OpenAI's code). */
export class DeploymentNotFoundError extends HttpError {
  constructor(message: string, param: string) {
    super(message, { status: 404, code: 'DeploymentNotFound', param });
  }
}

type UpstreamErrorOptions = Pick<HttpErrorOptions, 'headers' | 'cause'> & {
  readonly status: 429 | 502 | 503 | 504;
  readonly code: string;
};

/** A deployment could not be reached, was not called, or sent an answer that cannot be passed on. */
export class UpstreamError extends HttpError {
  constructor(message: string, options: UpstreamErrorOptions) {
    super(message, { type: 'upstream_error', ...options });
  }
}

/**
 * The call was ended from this side, not the deployment's: the client is gone, or the app shuts down.
 * It is the reason of the signal that ends the work under way, and says nothing about any deployment.
 */
export class CallEndedError extends HttpError {
  constructor(why: 'client_gone' | 'shutting_down') {
    super(
      why === 'client_gone'
        ? 'The client closed its connection before the answer was complete.'
        : 'This instance of the router is shutting down. Send the request again: another one answers.',
      {
        status: why === 'client_gone' ? 499 : 503,
        type: 'server_error',
        code: why,
        ...(why === 'shutting_down' && { headers: { 'retry-after': '1' } }),
      },
    );
  }
}

/** All problems of the settings and the scorer, found at start-up and reported together. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem(s):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export function toErrorBody(error: HttpError): ErrorBody {
  return {
    error: { message: error.message, type: error.type, param: error.param, code: error.code },
  };
}
