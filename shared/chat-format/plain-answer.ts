import { UpstreamError } from '../base/errors.ts';
import { isOfTheRequest } from './stream-event.ts';

type Completion = {
  readonly id?: unknown;
  readonly model?: unknown;
  readonly choices?: readonly [{ readonly message?: { content?: unknown } }];
  readonly usage?: unknown;
  readonly error?: unknown;
};

/** A deployment's answer as text and as parsed JSON. */
export type PlainAnswer = { readonly text: string; readonly parsed: Completion };

/**
 * The status that an answer of status 200 should have had: undefined for one with choices; for an error its own
 * status, or 502 where it gives none and does not blame the request.
 */
export function statusOfAnswer({ parsed }: PlainAnswer): number | undefined {
  const { choices, error } = parsed;
  if (Array.isArray(choices) && choices.length > 0) return undefined;
  const { status, code } = typeof error === 'object' && error !== null ? (error as Failure) : {};
  const number = Number(status ?? code);
  if (number >= 400 && number <= 599) return number;
  return isOfTheRequest(error) ? 400 : 502;
}

type Failure = { readonly status?: unknown; readonly code?: unknown };

/** Throws an UpstreamError when the answer is not a JSON object. */
export function parseAnswer(answer: Buffer): PlainAnswer {
  const text = answer.toString('utf8');
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return { text, parsed };
    }
  } catch {
    // Falls through to the error below: the parser's message would quote the answer.
  }
  throw new UpstreamError('The deployment answered with something that is not a JSON object.', {
    status: 502,
    code: 'upstream_invalid',
  });
}

/**
 * Adds `response`, `selected_model` and the other fields to the deployment's JSON. Its own bytes do not
 * change, large numbers and key order included: the fields are put before the last brace.
 */
export function addAnswerFields(
  { text, parsed }: PlainAnswer,
  fields: { readonly selected_model: string } & Readonly<Record<string, unknown>>,
): string {
  const content = parsed.choices?.[0]?.message?.content;
  const added = { response: typeof content === 'string' ? content : null, ...fields };
  const separator = Object.keys(parsed).length === 0 ? '' : ',';
  return text.slice(0, text.lastIndexOf('}')) + separator + JSON.stringify(added).slice(1);
}
