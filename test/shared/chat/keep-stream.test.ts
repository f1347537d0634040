import { describe, expect, test } from 'vitest';
import { HttpError } from '../../../shared/base/errors.ts';
import { keepStream } from '../../../shared/chat/keep-stream.ts';
import type { ChatMessage } from '../../../shared/chat-format/chat-request.ts';
import { messageOf } from '../../../shared/chat-format/collect-answer.ts';

type Kept = { readonly message: ChatMessage | undefined; readonly isWhole: boolean };

const event = (delta: object, choice: object = {}) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, ...choice }] })}\n\n`;
const DONE = 'data: [DONE]\n\n';

/** The chunks that are passed on, and what was kept after how many of them. */
async function run(chunks: readonly string[], error?: HttpError, leaveAfter = Infinity) {
  const kept: (Kept & { readonly after: number })[] = [];
  const passed: string[] = [];
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const events = keepStream(source(), async ({ message, isWhole }) => {
    kept.push({ message, isWhole, after: passed.length });
    return error;
  });
  for await (const chunk of events) {
    passed.push(Buffer.from(chunk).toString());
    if (passed.length >= leaveAfter) break;
  }
  return { kept, passed };
}

describe('a stream that is kept', () => {
  test('is kept before its [DONE], in one chunk with content or not', async () => {
    const content = event({ content: 'Hel' }) + event({ content: 'lo' });
    for (const chunks of [[content, DONE], [content + DONE]]) {
      const { kept, passed } = await run(chunks);
      expect(passed).toEqual([content, DONE]);
      const message = { role: 'assistant', content: 'Hello' };
      expect(kept).toEqual([{ message, isWhole: true, after: 1 }]);
    }
  });

  test('has calls of tools put together by their index, and the first choice alone', async () => {
    const { kept } = await run([
      event({ role: 'assistant', content: null }),
      event({ tool_calls: [{ index: 1, id: 'b', function: { name: 'g', arguments: '' } }] }),
      event({ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f' } }] }),
      event({ content: 'no' }, { index: 1 }),
      event({ tool_calls: [{ index: 1, function: { arguments: '{"x":' } }] }),
      event({ tool_calls: [{ index: 1, function: { arguments: '1}' } }] }),
      event({ tool_calls: [{ index: 1e9, id: 'c', function: { name: 'h', arguments: '{}' } }] }),
      'data: no json\n\n: a comment\n\ndata: 5\n\ndata: {"choices":[null]}\n\n',
      DONE,
    ]);
    expect(kept[0]?.message?.['tool_calls']).toEqual([
      { id: 'b', type: 'function', function: { name: 'g', arguments: '{"x":1}' } },
      { id: 'a', type: 'function', function: { name: 'f', arguments: '' } },
      { id: 'c', type: 'function', function: { name: 'h', arguments: '{}' } },
    ]);
    expect(kept[0]?.message?.content).toBeNull();
  });

  test('that breaks off, or whose reader leaves, is kept as far as it came, once', async () => {
    const chunks = [event({ content: 'Hel' }), event({ content: 'lo' }), 'data: {"error":{}}\n\n'];
    const broken = await run(chunks);
    expect(broken.passed).toEqual(chunks);
    expect(broken.kept).toMatchObject([{ message: { content: 'Hello' }, isWhole: false }]);
    const left = await run([...chunks.slice(0, 2), DONE], undefined, 1);
    expect(left.kept).toMatchObject([{ message: { content: 'Hel' }, isWhole: false }]);
    expect((await run([])).kept).toMatchObject([{ message: undefined, isWhole: false }]);
  });

  test('ends with an error in the place of [DONE] when it could not be kept', async () => {
    const error = new HttpError('Full.', { status: 503, code: 'full' });
    const { passed, kept } = await run([event({ content: 'Hi' }), DONE], error);
    expect(passed).toHaveLength(2);
    expect(passed[1]).toContain('"code":"full"');
    expect(kept).toHaveLength(1);
  });
});

describe('of a plain answer', () => {
  test.each([
    [
      { content: 'Hi', refusal: null, annotations: [] },
      { role: 'assistant', content: 'Hi' },
    ],
    [{ refusal: 'No.' }, { role: 'assistant', content: null, refusal: 'No.' }],
    [
      { content: null, tool_calls: [{ id: 'a' }], reasoning_content: 'hm' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'a' }] },
    ],
    [{ content: '' }, undefined],
    [undefined, undefined],
  ])('%j is kept as %j', (message, kept) => {
    expect(messageOf({ choices: [{ index: 0, message }] })).toEqual(kept);
    expect(messageOf({ choices: 'none' })).toBeUndefined();
  });
});
