import { UpstreamError } from '../base/errors.ts';
import { fieldsOf } from '../base/fields-of.ts';
import { fromJson, toJson } from '../base/wire-json.ts';
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
 * The status that an error which came with status 200 should have had: its own, or 502 where it gives none and
 * does not blame the request. Undefined for an answer with choices. Throws an UpstreamError for neither.
 */
export function statusOfError({ parsed }: PlainAnswer): number | undefined {
  const { choices, error } = parsed;
  if (Array.isArray(choices) && choices.length > 0) return undefined;
  if (error == null) throw invalid('The deployment answered without choices.');
  const { status, code } = fieldsOf(error);
  const number = Number(status ?? code);
  if (number >= 400 && number <= 599) return number;
  return isOfTheRequest(error) ? 400 : 502;
}

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
  throw invalid('The deployment answered with something that is not a JSON object.');
}

/** Removes a secret from all fields of an answer but its choices, which are the model's own words. */
export function withoutKey(answer: PlainAnswer, redact: (bytes: Buffer) => Buffer): PlainAnswer {
  const { choices, ...others } = fieldsOf(fromJson(answer.text));
  const clean = fromJson(redact(Buffer.from(toJson(others))).toString());
  return parseAnswer(Buffer.from(toJson({ ...fieldsOf(clean), choices })));
}

function invalid(message: string): UpstreamError {
  return new UpstreamError(message, { status: 502, code: 'upstream_invalid' });
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
