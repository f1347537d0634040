import { describe, expect, test } from 'vitest';
import { InvalidRequestError } from '../../../shared/base/errors.ts';
import { parseChatRequest } from '../../../shared/chat-format/chat-request.ts';

const hello = { role: 'user', content: 'Hello' };

function catchInvalid(body: unknown): InvalidRequestError {
  try {
    parseChatRequest(body);
  } catch (error) {
    if (error instanceof InvalidRequestError) return error;
    throw error;
  }
  throw new Error('The body should have been refused.');
}

describe('what goes upstream', () => {
  test('is every field that the router does not know, as it was', () => {
    const body = {
      messages: [{ ...hello, name: 'ann', extra: { deep: [1, null] } }],
      temperature: 0,
      top_p: 0,
      max_tokens: 0,
      logit_bias: { '1': -100 },
      data_sources: [{ type: 'x' }],
      user: '',
      store: false,
      reasoning_effort: null,
    };
    expect(parseChatRequest(body).upstreamBody).toEqual(body);
  });

  test('has none of the fields that are the router’s own', () => {
    const { upstreamBody } = parseChatRequest({
      messages: [hello],
      prompt: 'And?',
      routing: { threshold: 0.1 },
      thread_id: null,
      model: 'smart-router',
    });
    expect(Object.keys(upstreamBody)).toEqual(['messages']);
  });

  test('keeps an own field __proto__ away from every prototype', () => {
    const body: unknown = JSON.parse(
      '{"messages":[{"role":"user","content":"Hi","__proto__":{"evil":1}}],"__proto__":{"evil":1}}',
    );
    const { upstreamBody } = parseChatRequest(body);
    expect(Reflect.get({}, 'evil')).toBeUndefined();
    expect(upstreamBody['evil']).toBeUndefined();
  });

  test('keeps content parts of any type', () => {
    const content = [
      { type: 'text', text: 'What?' },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
      { type: 'of-tomorrow', anything: 1 },
    ];
    const { upstreamBody } = parseChatRequest({ messages: [{ role: 'user', content }] });
    expect(upstreamBody['messages']).toEqual([{ role: 'user', content }]);
  });

  test('keeps tool calls without content and their results', () => {
    const messages = [
      hello,
      { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: {} }] },
      { role: 'assistant', content: null, refusal: 'no' },
      { role: 'tool', tool_call_id: 'a', content: 'done' },
    ];
    expect(parseChatRequest({ messages }).upstreamBody['messages']).toEqual(messages);
  });
});

describe('prompt', () => {
  test('is one user message when there are no messages', () => {
    const expected = [{ role: 'user', content: 'Hi' }];
    expect(parseChatRequest({ prompt: 'Hi' }).messages).toEqual(expected);
    expect(parseChatRequest({ prompt: 'Hi', messages: [] }).messages).toEqual(expected);
    expect(parseChatRequest({ prompt: 'Hi', messages: null }).upstreamBody['messages']).toEqual(
      expected,
    );
  });

  test('is the newest message when there are others', () => {
    const { messages } = parseChatRequest({ prompt: 'And?', messages: [hello] });
    expect(messages).toEqual([hello, { role: 'user', content: 'And?' }]);
  });

  test('keeps its spaces', () => {
    expect(parseChatRequest({ prompt: ' Hi\n' }).messages[0]?.content).toBe(' Hi\n');
  });

  test.each(['', '  '])('changes nothing as "%s" beside messages', (prompt) => {
    expect(parseChatRequest({ prompt, messages: [hello] }).messages).toEqual([hello]);
  });

  test.each(['', ' \n '])('is refused as "%s" alone', (prompt) => {
    expect(catchInvalid({ prompt })).toMatchObject({ status: 400, param: 'prompt' });
  });
});

describe('stream', () => {
  test('asks upstream for usage, and remembers whether the client did', () => {
    const request = parseChatRequest({ messages: [hello], stream: true });
    expect(request).toMatchObject({ stream: true, includeUsage: false });
    expect(request.upstreamBody['stream_options']).toEqual({ include_usage: true });
  });

  test('keeps the other stream options', () => {
    const stream_options = { include_usage: true, include_obfuscation: false };
    const request = parseChatRequest({ messages: [hello], stream: true, stream_options });
    expect(request.includeUsage).toBe(true);
    expect(request.upstreamBody['stream_options']).toEqual(stream_options);
  });

  test('overrules a client that asked for no usage', () => {
    const stream_options = { include_usage: false };
    const request = parseChatRequest({ messages: [hello], stream: true, stream_options });
    expect(request.includeUsage).toBe(false);
    expect(request.upstreamBody['stream_options']).toEqual({ include_usage: true });
  });

  test.each([false, null, undefined])('adds no stream options as %s', (stream) => {
    const request = parseChatRequest({ messages: [hello], stream });
    expect(request.stream).toBe(false);
    expect(request.upstreamBody).not.toHaveProperty('stream_options');
  });
});

describe('a wrong body', () => {
  test.each([
    [{}, 'messages'],
    [{ messages: [] }, 'messages'],
    [{ messages: 'Hi' }, 'messages'],
    [{ messages: ['Hi'] }, 'messages.0'],
    [{ messages: [hello, { content: 'Hi' }] }, 'messages.1.role'],
    [{ messages: [{ role: 'user', content: 7 }] }, 'messages.0.content'],
    [{ messages: [{ role: 'user', content: ['Hi'] }] }, 'messages.0.content'],
    [{ messages: [hello], temperature: '1' }, 'temperature'],
    [{ messages: [hello], max_tokens: 1.5 }, 'max_tokens'],
    [{ messages: [hello], stream: 'true' }, 'stream'],
    [{ messages: [hello], stream_options: true }, 'stream_options'],
    [{ messages: [hello], model: 7 }, 'model'],
    [{ messages: [hello], prompt: ['Hi'] }, 'prompt'],
    [{ messages: [hello], routing: [] }, 'routing'],
    [{ messages: [hello], routing: { threshold: 2 } }, 'routing.threshold'],
    [{ messages: [hello], routing: { models: [7] } }, 'routing.models.0'],
    [{ messages: [hello], routing: { tresholt: 0.2 } }, 'routing'],
    [{ messages: [hello], routing: { threshold: 0.2, mode: 'cost' } }, 'routing'],
    [{ messages: [hello], thread_id: 7 }, 'thread_id'],
  ])('%j is refused by the name of its field', (body, param) => {
    expect(catchInvalid(body)).toMatchObject({ status: 400, type: 'invalid_request_error', param });
  });

  test.each([[null], [[]], ['text'], [7], [undefined]])('%j is refused as a whole', (body) => {
    expect(catchInvalid(body)).toMatchObject({ status: 400, param: 'body' });
  });

  test('is not repeated in the message', () => {
    const secret = 'my secret prompt';
    for (const body of [
      { messages: secret },
      { messages: [{ role: 'user', content: { text: secret } }] },
      { messages: [hello], temperature: secret },
      { messages: [hello], routing: { mode: secret } },
      { messages: [hello], thread_id: [secret] },
    ]) {
      expect(catchInvalid(body).message).not.toContain(secret);
    }
  });

  test('has too many messages beyond 2,048', () => {
    const messages = new Array(2_048).fill(hello);
    expect(parseChatRequest({ messages }).messages).toHaveLength(2_048);
    expect(catchInvalid({ messages: [...messages, hello] }).param).toBe('messages');
  });
});

test('routing as null asks for nothing', () => {
  expect(parseChatRequest({ messages: [hello], routing: null }).routing).toEqual({});
});
