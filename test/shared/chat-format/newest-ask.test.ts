import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../../shared/chat-format/chat-request.ts';
import { findNewestAsk } from '../../../shared/chat-format/newest-ask.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

const user = (content: ChatMessage['content']): ChatMessage => ({ role: 'user', content });
const text = (value: unknown) => ({ type: 'text', text: value });
const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };

describe('findNewestAsk', () => {
  test('takes the last user message, not the first', () => {
    expect(findNewestAsk([user('first'), user('second')])).toBe('second');
  });

  test.each(['assistant', 'system', 'developer', 'tool', 'function'])(
    'does not take what follows from the role %s',
    (role) => {
      expect(findNewestAsk([user('ask'), { role, content: 'not an ask' }])).toBe('ask');
    },
  );

  test('finds nothing in a conversation without a user', () => {
    expect(findNewestAsk([{ role: 'system', content: 'You are kind.' }])).toBeUndefined();
    expect(findNewestAsk([])).toBeUndefined();
  });

  test('joins the text parts and leaves out images', () => {
    expect(findNewestAsk([user([text('What is'), image, text('this?')])])).toBe('What is\nthis?');
  });

  test('goes back to an earlier ask from images alone', () => {
    expect(findNewestAsk([user('ask'), user([image])])).toBe('ask');
  });

  test('finds nothing in images alone', () => {
    expect(findNewestAsk([user([image])])).toBeUndefined();
  });

  test.each([[null], [undefined], [''], [' \n\t'], [[]], [[text('')]], [[text(' ')]]])(
    'goes back from the content %o',
    (content) => {
      expect(findNewestAsk([user('ask'), user(content)])).toBe('ask');
    },
  );

  test('passes over parts whose text is no string', () => {
    expect(findNewestAsk([user([text(7), text(null), text({ text: 'x' }), text('ask')])])).toBe(
      'ask',
    );
  });

  test('does not take the result of a tool for an ask', () => {
    const result = { type: 'tool_result', content: [text('a long result')] };
    expect(findNewestAsk([user('ask'), user([result])])).toBe('ask');
  });

  test('leaves out reminders, wherever they stand', () => {
    const ask = `<system-reminder>one</system-reminder> What <system-reminder>two\nthree</system-reminder>now?`;
    expect(findNewestAsk([user(ask)])).toBe('What now?');
  });

  test('goes back to an earlier ask from a reminder alone', () => {
    const reminder = user([text('<system-reminder>Be brief.</system-reminder>\n')]);
    expect(findNewestAsk([user('ask'), reminder])).toBe('ask');
  });

  test('keeps a reminder that is never closed', () => {
    const ask = 'Explain <system-reminder> in one line';
    expect(findNewestAsk([user(ask)])).toBe(ask);
  });

  test('keeps a closing tag that was never opened', () => {
    const ask = 'Explain </system-reminder> in one line';
    expect(findNewestAsk([user(ask)])).toBe(ask);
  });

  test('reads a million unclosed reminders in no time', () => {
    const processorMs = startProcessorClock();
    const open = '<system-reminder>'.repeat(300_000);
    expect(findNewestAsk([user(open)])).toBe(open);
    const closed = '<system-reminder></system-reminder>'.repeat(150_000);
    expect(findNewestAsk([user(`${closed}ask`)])).toBe('ask');
    expect(processorMs()).toBeLessThan(4_000);
  });
});
