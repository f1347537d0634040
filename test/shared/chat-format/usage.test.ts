import { expect, test } from 'vitest';
import { readUsage } from '../../../shared/chat-format/usage.ts';

test.each([1e308, Number.POSITIVE_INFINITY, Number.NaN, -1, 0.5, 2 ** 31, '12', null])(
  '%s is no count of tokens',
  (count) => {
    const usage = {
      prompt_tokens: count,
      completion_tokens: count,
      total_tokens: count,
      prompt_tokens_details: { cached_tokens: count },
      completion_tokens_details: { reasoning_tokens: count },
    };
    expect(readUsage(usage)).toEqual({});
    expect(readUsage({ ...usage, prompt_tokens: 7 })).toEqual({ prompt: 7 });
  },
);

test('the greatest count is that of the tables', () => {
  expect(readUsage({ prompt_tokens: 2 ** 31 - 1 })).toEqual({ prompt: 2 ** 31 - 1 });
});
