import { fieldsOf } from '../base/fields-of.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The events of a stream that says the same as a whole answer: the message, the finish reason and the usage of
 * each choice, then `[DONE]`.
 */
export function streamOf(completion: Fields): string {
  const { choices, usage, object: _, ...common } = completion;
  const all = Array.isArray(choices) ? choices.map(fieldsOf) : [];
  const chunk = (more: Fields) => ({ ...common, object: 'chat.completion.chunk', ...more });
  const chunks = [
    ...all.map(({ message, finish_reason: __, ...choice }, index) =>
      chunk({ choices: [{ index, ...choice, delta: deltaOf(message), finish_reason: null }] }),
    ),
    ...all.map(({ index, finish_reason }, place) =>
      chunk({
        choices: [{ index: index ?? place, delta: {}, finish_reason: finish_reason ?? 'stop' }],
      }),
    ),
    ...(usage == null ? [] : [chunk({ choices: [], usage })]),
  ];
  const events = [...chunks.map((one) => JSON.stringify(one)), '[DONE]'];
  return events.map((data) => `data: ${data}\n\n`).join('');
}

/** A stream numbers the calls of tools. */
function deltaOf(message: unknown): Fields {
  const { tool_calls: calls, ...fields } = fieldsOf(message);
  if (!Array.isArray(calls)) return fields;
  return { ...fields, tool_calls: calls.map((call, index) => ({ index, ...fieldsOf(call) })) };
}
