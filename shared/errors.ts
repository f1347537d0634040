/** The `error` object of OpenAI's and Azure OpenAI's wire format. */
export type ErrorBody = {
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
  readonly cause?: unknown;
};

/** An error that becomes an HTTP answer. The message never holds a key, a prompt or a body. */
export class HttpError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;

  constructor(message: string, options: HttpErrorOptions) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.status = options.status;
    this.type = options.type ?? 'invalid_request_error';
    this.code = options.code ?? null;
    this.param = options.param ?? null;
  }
}

/** The request is wrong (400 unless told). `param` names the field or header. */
export class InvalidRequestError extends HttpError {
  constructor(message: string, options: Partial<HttpErrorOptions> = {}) {
    super(message, { status: 400, code: 'invalid_value', ...options });
  }
}

/** No deployment, or no route, of that name (404, with Azure OpenAI's code). */
export class DeploymentNotFoundError extends HttpError {
  constructor(message: string, param: string) {
    super(message, { status: 404, code: 'DeploymentNotFound', param });
  }
}

/** A deployment could not be reached, or answered with something that cannot be passed on. */
export class UpstreamError extends HttpError {
  constructor(message: string, options: { status: 502 | 504; code: string; cause?: unknown }) {
    super(message, { type: 'upstream_error', ...options });
  }
}

/** Everything wrong with the settings or the scorer, found at start-up, reported at once. */
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
