import { describe, expect, test } from 'vitest';
import { redactText } from '../../../shared/chat/redact.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

describe('a text that is kept', () => {
  test.each([
    ['Mail ann.lee+x@mail.example.co.uk today', 'Mail [email] today'],
    ['Call +49 (0)30 1234-5678 or 0800.555.0199', 'Call [number] or [number]'],
    ['Card 4111 1111 1111 1111, exp 12/29', 'Card [number], exp 12/29'],
    ['My SSN is 078-05-1120.', 'My SSN is [number].'],
    ['IBAN DE89 3704 0044 0532 0130 00 please', 'IBAN [number] please'],
    ['From 192.168.10.1 to 10.0.0.255', 'From [address] to [address]'],
    ['Authorization: Bearer abcdefgh12345678', 'Authorization: [secret]'],
    ['password: hunter2, user: ann', 'password: [secret], user: ann'],
    ['{"api_key": "abc"}', '{"api_key": "[secret]"}'],
    ['AccountName=x;AccountKey=Zm9vYmFy==;Y=1', 'AccountName=x;AccountKey=[secret];Y=1'],
    ['use sk-proj1234567890abcdef now', 'use [secret] now'],
    ['token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF-1', 'token [secret]'],
    ['key 0123456789abcdef0123456789abcdef!', 'key [secret]!'],
    [
      '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\nend',
      '[secret]\nend',
    ],
    ['See https://a.example/path?sig=x&y=1 there', 'See https://a.example/path?[query] there'],
  ])('%j becomes %j', (text, redacted) => {
    expect(redactText(text)).toBe(redacted);
  });

  test.each([
    'What is 17 times 23, and why is 1024 a power of 2?',
    'Write a poem about the sea in 3 stanzas, with internationalization in mind.',
    'function add(a, b) { return a + b; } // v2.0.1',
    'Did Ada Lovelace live from 1815 to 1852?',
  ])('stays as it is: %j', (text) => {
    expect(redactText(text)).toBe(text);
  });

  test('is cut, whatever it is of', () => {
    expect(redactText('a '.repeat(100_000))).toHaveLength(16_000);
    for (const text of ['a@'.repeat(50_000), '1-'.repeat(50_000), 'key=key='.repeat(20_000)]) {
      const processorMs = startProcessorClock();
      redactText(text);
      expect(processorMs()).toBeLessThan(1_000);
    }
  });
});
