type AzureErrorFields = {
  readonly status: number;
  readonly code: string | null;
  readonly type?: string | null;
  readonly param?: string | null;
  /** More members of the `error` object, such as `innererror`. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** The whole body, where another service would send it. */
  readonly body?: object;
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
    const { code, type, param, details, body } = this.#fields;
    if (body !== undefined) return body;
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

/** Refuses unknown parameters as older API versions and models do: without `code` and `param`. */
export function unrecognizedArguments(names: readonly string[]): AzureError {
  const noun = names.length === 1 ? 'argument' : 'arguments';
  return invalidRequest(`Unrecognized request ${noun} supplied: ${names.join(', ')}`);
}

const ROLES = ['system', 'assistant', 'user', 'function', 'tool'];

/** Refuses the role `developer` of a message as models do that do not know it. */
export function unknownRole(messageIndex: number): AzureError {
  return invalidRequest(`Invalid value: 'developer'. Supported values are: ${listOf(ROLES)}.`, {
    param: `messages[${messageIndex}].role`,
    code: 'invalid_value',
  });
}

/** Formats a list as `'a', 'b', and 'c'`. */
export function listOf(values: readonly string[]): string {
  return new Intl.ListFormat('en').format(values.map((value) => `'${value}'`));
}

export function unsupportedParameter(param: string, advice = ''): AzureError {
  return invalidRequest(
    `Unsupported parameter: '${param}' is not supported with this model.${advice}`,
    { param, code: 'unsupported_parameter' },
  );
}
