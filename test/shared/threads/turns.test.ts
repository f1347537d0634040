import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../../shared/chat-format/chat-request.ts';
import { cutTurns, openCallsOf, pairToolCalls } from '../../../shared/threads/turns.ts';

const user = (content: string): ChatMessage => ({ role: 'user', content });
const says = (content: string): ChatMessage => ({ role: 'assistant', content });
const system = (content: string): ChatMessage => ({ role: 'system', content });
const calls = (...ids: string[]): ChatMessage => ({
  role: 'assistant',
  content: null,
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
});
const result = (id: string, content = id): ChatMessage => ({
  role: 'tool',
  tool_call_id: id,
  content,
});

describe('tool calls', () => {
  test('are directly followed by their results, in the order of the calls', () => {
    const asked = calls('a', 'b');
    const messages = [
      user('1'),
      asked,
      user('2'),
      says('two'),
      result('b'),
      result('a'),
      says('one'),
    ];
    expect(pairToolCalls(messages)).toEqual([
      user('1'),
      asked,
      result('a'),
      result('b'),
      user('2'),
      says('two'),
      says('one'),
    ]);
  });

  test('are left out unless all have results, as are results without calls', () => {
    const both = { ...calls('a', 'b'), content: 'Let me see.' };
    expect(pairToolCalls([user('1'), both, result('a'), result('x'), user('2')])).toEqual([
      user('1'),
      says('Let me see.'),
      user('2'),
    ]);
    expect(pairToolCalls([calls('a'), user('2')])).toEqual([user('2')]);
  });

  test('with the same id in two turns each have their own result', () => {
    const [first, second] = [calls('a'), calls('a')];
    const messages = [first, result('a', '1'), second, result('a', '2'), result('a', '3')];
    expect(pairToolCalls(messages)).toEqual([first, result('a', '1'), second, result('a', '2')]);
  });

  test('without a result are found', () => {
    const messages = [calls('a', 'b'), result('a'), calls('c')];
    expect([...openCallsOf(messages)]).toEqual(['b', 'c']);
  });

  test('are paired in any order, and nothing else is changed', () => {
    const id = fc.constantFrom('a', 'b', 'c');
    const message = fc.oneof(
      id.map(user),
      id.map(says),
      id.map((one) => result(one)),
      fc.uniqueArray(id, { minLength: 1 }).map((ids) => calls(...ids)),
    );
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
        const paired = pairToolCalls(messages);
        const others = (all: readonly ChatMessage[]) =>
          all.filter((one) => one.role !== 'tool' && !Array.isArray(one['tool_calls']));
        expect(others(paired)).toEqual(others(messages));
        let waiting: string[] = [];
        for (const one of paired) {
          if (one.role === 'tool') expect(one['tool_call_id']).toBe(waiting.shift());
          else expect(waiting).toEqual([]);
          const made = one['tool_calls'];
          if (Array.isArray(made)) waiting = made.map((call) => call.id);
        }
        expect(waiting).toEqual([]);
        expect(pairToolCalls(paired)).toEqual(paired);
      }),
    );
  });
});

describe('cutting a conversation', () => {
  const long = 'word '.repeat(100);
  const turn = (name: string) => [user(`${name} ${long}`), says(`Yes, ${name}.`)];
  const now = user('now');
  const cut = (messages: readonly ChatMessage[], limit: number, body = {}) =>
    cutTurns({ messages, fresh: new Set([now]) }, body, limit);

  test('drops whole turns, the oldest first, and keeps instructions', async () => {
    const rules = system('rules');
    const messages = [rules, ...turn('1'), ...turn('2'), system('more'), ...turn('3'), now];
    const whole = await cut(messages, 10_000);
    expect(whole).toEqual({ messages, left: 0 });
    const some = await cut(messages, 260);
    expect(some.left).toBe(2);
    expect(some.messages).toEqual([rules, ...turn('2'), system('more'), ...turn('3'), now]);
    const most = await cut(messages, 20);
    expect(most).toEqual({ messages: [rules, system('more'), now], left: 6 });
  });

  test('drops more where tools need tokens, and never cuts the turn of the new messages', async () => {
    const tools = [{ type: 'function', function: { name: 'f', description: long } }];
    expect((await cut([...turn('1'), ...turn('2'), now], 300)).left).toBe(0);
    expect((await cut([...turn('1'), ...turn('2'), now], 300, { tools })).left).toBe(2);
    const loop = [user(long), calls('a')];
    const answer = result('a', long);
    const { messages } = await cutTurns(
      { messages: [...turn('1'), ...loop, answer], fresh: new Set([answer]) },
      {},
      50,
    );
    expect(messages).toEqual([...loop, answer]);
  });
});
