import { UpstreamError } from '../errors.ts';

type Choices = { readonly choices?: readonly [{ readonly message?: { content?: unknown } }] };

/**
 * The deployment's JSON with `response` and `selected_model` added. Its own bytes stay as they
 * are, large numbers and key order included: the two fields are put before the last brace.
 * Throws an UpstreamError when the answer is no JSON object.
 */
export function addAnswerFields(
  answer: Buffer,
  fields: { readonly selectedModel: string; readonly routing?: unknown },
): string {
  const text = answer.toString('utf8');
  const parsed = parseObject(text);
  const content = (parsed as Choices).choices?.[0]?.message?.content;
  const added = {
    response: typeof content === 'string' ? content : null,
    selected_model: fields.selectedModel,
    ...(fields.routing !== undefined && { routing: fields.routing }),
  };
  const separator = Object.keys(parsed).length === 0 ? '' : ',';
  return text.slice(0, text.lastIndexOf('}')) + separator + JSON.stringify(added).slice(1);
}

function parseObject(text: string): object {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch {
    // Falls through to the error below: the parser's message would quote the answer.
  }
  throw new UpstreamError('The deployment answered with something that is not a JSON object.', {
    status: 502,
    code: 'upstream_invalid',
  });
}
