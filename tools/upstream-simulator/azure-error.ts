type AzureErrorFields = {
  readonly status: number;
  readonly code: string | null;
  readonly type?: string | null;
  readonly param?: string | null;
  /** More members of the `error` object, such as `innererror`. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * An error as Azure OpenAI sends it. Azure's gateway leaves `type` and `param` out; the models
 * include them.
 */
export class AzureError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #fields: AzureErrorFields;

  constructor(message: string, fields: AzureErrorFields) {
    super(message);
    this.name = new.target.name;
    this.status = fields.status;
    this.headers = fields.headers ?? {};
    this.#fields = fields;
  }

  body(): object {
    const { code, type, param, details } = this.#fields;
    return {
      error: {
        message: this.message,
        ...(type === undefined ? {} : { type }),
        ...(param === undefined ? {} : { param }),
        code,
        ...details,
      },
    };
  }
}

/** A 400 worded like the models' own request validation. */
export function invalidRequest(
  message: string,
  fields: { readonly param?: string; readonly code?: string } = {},
): AzureError {
  return new AzureError(message, {
    status: 400,
    type: 'invalid_request_error',
    param: fields.param ?? null,
    code: fields.code ?? null,
  });
}

export function resourceNotFound(): AzureError {
  return new AzureError('Resource not found', { status: 404, code: '404' });
}

export function deploymentNotFound(): AzureError {
  return new AzureError(
    'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.',
    { status: 404, code: 'DeploymentNotFound' },
  );
}

export function invalidKey(): AzureError {
  return new AzureError(
    'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
    { status: 401, code: '401' },
  );
}

export function contextLengthExceeded(limits: {
  readonly contextTokens: number;
  readonly requestedTokens: number;
  readonly param: string;
}): AzureError {
  return invalidRequest(
    `This model's maximum context length is ${limits.contextTokens} tokens. However, your ${limits.param} resulted in ${limits.requestedTokens} tokens. Please reduce the length of the ${limits.param}.`,
    { param: limits.param, code: 'context_length_exceeded' },
  );
}

export function unsupportedParameter(param: string, advice = ''): AzureError {
  return invalidRequest(
    `Unsupported parameter: '${param}' is not supported with this model.${advice}`,
    { param, code: 'unsupported_parameter' },
  );
}
