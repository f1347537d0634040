/** In characters: long enough for deployments' messages, short enough to be repeated. */
const MAX_MESSAGE_LENGTH = 500;

/** Returns the code and message of an error in OpenAI's form; neither for another form. */
export function errorOf(bytes: Buffer): { code?: string; message?: string } {
  const { code, message } = (parseError(bytes)?.error ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  return {
    ...(typeof code === 'string' && { code }),
    ...(typeof message === 'string' && { message: message.slice(0, MAX_MESSAGE_LENGTH) }),
  };
}

/** Parses an error in OpenAI's form; undefined for another form. */
export function parseError(bytes: Buffer): { readonly error: unknown } | undefined {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    const isError = typeof parsed === 'object' && parsed !== null && 'error' in parsed;
    return isError ? parsed : undefined;
  } catch {
    return undefined;
  }
}
