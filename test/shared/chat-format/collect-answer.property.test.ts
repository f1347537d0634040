import fc from 'fast-check';
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import { expect, test } from 'vitest';
import { createCollector } from '../../../shared/chat-format/collect-answer.ts';

type Chunk = { readonly choices: readonly object[] };

/** The message that OpenAI's own client makes of a stream. */
async function messageOfSdk(chunks: readonly Chunk[]) {
  const lines = chunks.map((chunk) =>
    JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', ...chunk }),
  );
  const stream = new Blob([lines.map((line) => `${line}\n`).join('')]).stream();
  return ChatCompletionStream.fromReadableStream(stream).finalMessage();
}

function messageOfCollector(chunks: readonly Chunk[]) {
  const { push, answer } = createCollector();
  for (const chunk of chunks) push(chunk);
  return answer().message;
}

const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 });

/** The deltas of one call: its first part has the name, which some deployments repeat in each part. */
const call = fc.record({ id: fc.uuid(), name: word, parts: fc.array(word), repeats: fc.boolean() });

const answer = fc.record({
  words: fc.array(word, { maxLength: 5 }),
  calls: fc.array(call, { maxLength: 3 }),
});

type Answer = {
  readonly words: readonly string[];
  readonly calls: readonly { id: string; name: string; parts: string[]; repeats: boolean }[];
};

function deltasOf({ words, calls }: Answer): object[] {
  const spoken = words.map((content) => ({ content }));
  const called = calls.map(({ id, name, parts, repeats }, index) => [
    { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] },
    ...parts.map((part) => ({
      tool_calls: [
        {
          index,
          ...(repeats && { id, type: 'function' }),
          function: { ...(repeats && { name }), arguments: part },
        },
      ],
    })),
  ]);
  // The parts of the calls come in turn, as of calls that are written at the same time.
  const longest = Math.max(0, ...called.map(({ length }) => length));
  const inTurn = Array.from({ length: longest }, (_, at) => called.flatMap((one) => one[at] ?? []));
  return [{ role: 'assistant', content: '' }, ...spoken, ...inTurn.flat()];
}

test('a stream makes the message that the openai package makes of it', async () => {
  const streams = fc.tuple(answer, answer, fc.boolean(), fc.infiniteStream(fc.boolean()));
  await fc.assert(
    fc.asyncProperty(streams, async ([first, second, isTogether, turns]) => {
      const choices = [deltasOf(first), deltasOf(second)].map((deltas, index) => [
        ...deltas.map((delta) => ({ index, delta, finish_reason: null })),
        { index, delta: {}, finish_reason: 'stop' },
      ]);
      const [one = [], other = []] = choices;
      const chunks: Chunk[] = [];
      while (one.length + other.length > 0) {
        const isFirst = turns.next().value === true;
        const [now, then] = isFirst ? [one, other] : [other, one];
        const chosen = [now.shift(), ...(isTogether ? [then.shift()] : [])];
        chunks.push({ choices: chosen.filter((choice) => choice !== undefined) });
      }
      const { content, tool_calls: calls = [] } = await messageOfSdk(chunks);
      const message = messageOfCollector(chunks);
      expect(message?.content ?? '').toBe(content ?? '');
      expect(message?.['tool_calls'] ?? []).toEqual(
        calls.map((one) => {
          if (one.type !== 'function') throw new Error('All calls are of functions.');
          const { name, arguments: given } = one.function;
          return { id: one.id, type: one.type, function: { name, arguments: given } };
        }),
      );
    }),
    { numRuns: 100 },
  );
});
