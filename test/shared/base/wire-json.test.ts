import { expect, test } from 'vitest';
import { fromJson, toJson } from '../../../shared/base/wire-json.ts';
import { parseChatRequest } from '../../../shared/chat-format/chat-request.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

/** The body that a deployment is sent for a caller's text. */
function sent(text: string): string {
  return toJson(parseChatRequest(fromJson(text)).upstreamBody);
}

test('keeps whole numbers that no double can hold, as they were written', () => {
  const numbers = '"seed":9223372036854775807,"deep":{"a":[-18446744073709551615,1e400,1E+999]}';
  expect(sent(`{"messages":[{"role":"user","content":"Hi"}],${numbers}}`)).toContain(numbers);
});

test('keeps them in a large text as well, and none that is a part of a text', () => {
  const texts = [
    '"1234567890123456789"',
    '"\\\\"',
    '"\\" 1234567890123456789"',
    '" -1e999 "',
    '"é"',
  ];
  const filler = `"${'x'.repeat(300_000)}"`;
  const numbers =
    '[9223372036854775807,-18446744073709551615,1e400,0.1234567890123456789,5,1E+999]';
  const text = `{"a":[${texts.join(',')},${filler}],"seed":${numbers},"b":{"c":[${numbers}]}}`;
  const written = numbers.replace('0.1234567890123456789', '0.12345678901234568');
  expect(toJson(fromJson(text))).toBe(text.replaceAll(numbers, written));
  expect(() => fromJson(`${text}1234567890123456789"`)).toThrow(SyntaxError);
});

test('leaves all other values as JSON.parse reads them', () => {
  const text =
    '{"a":[0,-0.5,1e3,0.1234567890123456789,9007199254740991,"1234567890123456789"],"b":null}';
  expect(fromJson(text)).toEqual(JSON.parse(text));
});

test('refuses a whole number that is too large where one is read', () => {
  expect(() => sent('{"prompt":"Hi","max_tokens":9223372036854775807}')).toThrow(/max_tokens/);
});

test('refuses to write a body that is nested too deeply', () => {
  const deep = fromJson(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
  expect(() => toJson(deep)).toThrow(/nested too deeply/);
});

test('takes little longer for a large text with a long number in it', () => {
  const large = `[${'{},'.repeat(300_000)}1]`;
  const withLong = large.replace(/1\]$/, '1111111111111111]');
  const time = (text: string): number => {
    const processorMs = startProcessorClock();
    fromJson(text);
    return processorMs();
  };
  time(large);
  expect(time(withLong)).toBeLessThan(5 * time(large) + 100);
});

test('takes no time that grows with the square of its long numbers', () => {
  const time = (count: number): number => {
    const text = `["a",${'0.1234567890123456789,'.repeat(count)}1234567890123456789]`;
    const processorMs = startProcessorClock();
    fromJson(text);
    return processorMs();
  };
  time(20_000);
  expect(time(200_000)).toBeLessThan(30 * time(20_000) + 100);
});

test('refuses a long number where an object is read', () => {
  const options = '{"prompt":"Hi","stream":true,"stream_options":12345678901234567890}';
  expect(() => sent(options)).toThrow(/stream_options/);
});
