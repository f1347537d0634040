/** The fields of OpenAI's error object in a 400; empty where they are missing. */
export type Refusal = {
  readonly code: string;
  readonly param: string;
  readonly message: string;
};

/**
 * The most that is read: refusals take a few hundred bytes, those of content filters a few
 * thousand.
 */
const MAX_BYTES = 64 * 1024;
const MAX_LENGTH = 1_000;

/** The codes of refusals that are about the prompt, not about the parameters. */
const ABOUT_THE_PROMPT = new Set(['content_filter', 'context_length_exceeded']);

/** Reads the body of a 400; undefined when it is not an error object, or teaches nothing. */
export function readRefusal(answer: Uint8Array): Refusal | undefined {
  const error = findError(answer);
  if (error === undefined) return undefined;
  const refusal = {
    code: textOf(error['code']),
    param: textOf(error['param']),
    message: textOf(error['message']),
  };
  return ABOUT_THE_PROMPT.has(refusal.code) ? undefined : refusal;
}

/**
 * Returns the parameters that a refusal calls unknown or unsupported, in the service's spelling.
 */
export function unsupportedParameters({ code, param, message }: Refusal): readonly string[] {
  const isAboutParam = code === 'unsupported_parameter' || code === 'unknown_parameter';
  if (isAboutParam && param !== '') return [param];
  const [, quoted] = /^(?:Unsupported|Unknown) parameter: '(\w{1,64})'/.exec(message) ?? [];
  if (quoted !== undefined) return [quoted];
  // Older versions of the API send a list and no `param`.
  const [, listed = ''] =
    /^Unrecognized request arguments? supplied: ([\w, ]{1,500})/.exec(message) ?? [];
  return listed.split(',').map((name) => name.trim());
}

function findError(answer: Uint8Array): Record<string, unknown> | undefined {
  if (answer.byteLength > MAX_BYTES) return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(answer).toString('utf8'));
    const error = isObject(parsed) ? parsed['error'] : undefined;
    return isObject(error) ? error : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_LENGTH) : '';
}
