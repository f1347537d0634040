import { describe, expect, test } from 'vitest';
import { type AskPlace, findAsk } from '../../../shared/asks/find-ask.ts';
import {
  assistant,
  CODE,
  LOG,
  long,
  PROSE,
  RULES,
  system,
  user,
  WRAPPERS,
} from '../../../tools/measure/wrappers.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

const EASY = 'What is the capital of Peru?';
const HARD = 'Prove that every compact subset of a Hausdorff space is closed.';

describe.each(Object.entries(WRAPPERS))('wrapped in %s', (_, wrap) => {
  test.each([EASY, HARD])('the ask is %s', (ask) => {
    expect(findAsk(wrap(ask))?.text.replaceAll(/\s+/g, ' ').trim()).toBe(ask);
  });
});

const HARD_START = [
  user('Derive the rate law for an enzyme with two substrates and ordered binding.'),
  assistant('With the steady state for each complex you get v = V A B / (K + Ka B + Kb A + A B).'),
];
const ROOT = 'Derive the rate law for an enzyme with two substrates and ordered binding.';

describe('a conversation', () => {
  test.each([
    'why?',
    'yes, do that',
    'go on',
    'and now in Rust?',
    'still failing with the same error',
    'Add a dead-end inhibitor.',
    'for random order',
    'what else?',
    'tried it, no change',
    'Und jetzt ausführlicher.',
    'Et pour trois substrats ?',
    'y ahora?',
    'それで？',
    '继续',
    'и что дальше?',
  ])('goes on with %s', (ask) => {
    const found = findAsk([...HARD_START, user(ask)]);
    expect(found?.place).toBe('conversation');
    expect(found?.text).toBe(ROOT);
  });

  test('goes on over several messages', () => {
    const found = findAsk([
      ...HARD_START,
      user('and for random order?'),
      assistant('Then the terms are symmetric.'),
      user('are you sure about it?'),
      assistant('Yes.'),
      user('ok'),
    ]);
    expect(found?.text).toBe(ROOT);
  });

  test.each([
    'Now prove that the two orders give the same rate at saturation.',
    'How do you get the steady state?',
  ])('keeps what a longer follow-up adds: %s', (ask) => {
    expect(findAsk([...HARD_START, user(ask)])?.text).toBe(`${ROOT}\n\n${ask}`);
  });

  test.each([
    'What is 9 times 7?',
    'How many cups are in a litre?',
    'Write a two-line birthday card for Eva.',
    'Unrelated: what is a good gift for a colleague?',
    'Wie heißt die Hauptstadt von Peru?',
    '「ありがとう」を英語で何と言いますか？',
    'Shorten this: We would be grateful for an answer at your earliest convenience.',
  ])('changes its subject with %s', (ask) => {
    expect(findAsk([...HARD_START, user(ask)])).toMatchObject({ text: ask, place: 'message' });
  });

  test.each([
    'thanks!',
    'thank you so much, that worked',
    'Super, danke!',
    'got it, cheers',
    'merci beaucoup',
    'ありがとう',
    '谢谢',
    'thx, bye',
  ])('ends with %s', (ask) => {
    expect(findAsk([...HARD_START, user(ask)])?.text).toBe(ask);
  });

  test.each(['thanks, but it still fails', 'Thanks! And for random order?'])(
    'does not end with %s',
    (ask) => {
      expect(findAsk([...HARD_START, user(ask)])?.text).toContain(ROOT);
    },
  );

  test('passes over thanks to what came before them', () => {
    const messages = [
      ...HARD_START,
      user('thanks'),
      assistant('Welcome.'),
      user('one more time please, shorter'),
    ];
    expect(findAsk(messages)?.text).toContain(ROOT);
  });

  test.each(['yes', 'and in Rust?', 'thanks'])('has nothing before %s', (ask) => {
    expect(findAsk([user(ask)])).toEqual({ text: ask, place: 'message', material: [] });
  });

  test('keeps the ask over results and statements that ask nothing', () => {
    const found = findAsk([user(HARD), assistant('Show me the log.'), user(LOG)]);
    expect(found).toMatchObject({ text: HARD, place: 'earlier message' });
  });
});

describe('the task of the system prompt', () => {
  test.each([
    ['prose', long(PROSE)],
    ['code', CODE],
    ['a log', LOG],
    ['JSON', JSON.stringify(PROSE.map((part, id) => ({ id, part })))],
    ['a table', Array.from({ length: 30 }, (_, row) => `${row},Lima,${row * 3},open`).join('\n')],
  ])('is the ask when the message is %s', (_, data) => {
    const task = 'Find each contradiction in the input and prove that it is one.';
    expect(findAsk([system(task), user(data)])).toMatchObject({
      text: task,
      place: 'system prompt',
    });
  });

  test('is its sentences about the input when it is long', () => {
    const prompt = `You are the tool of a newspaper.\n${RULES}\n${RULES}\n\nTranslate the text of the user into plain German.`;
    expect(findAsk([system(prompt), user(long(PROSE))])?.text).toContain('Translate the text');
  });

  test.each([EASY, HARD, 'hello', 'I lost my parcel and do not know what to do.'])(
    'is not asked by %s',
    (ask) => {
      const task = 'Translate the text of the user into French.';
      expect(findAsk([system(task), user(ask)])?.text).toBe(ask);
    },
  );
});

describe('the material', () => {
  test('is told by kind, language and size', () => {
    const found = findAsk([
      user(`Find the race and prove the fix.\n\n\`\`\`Rust\n${CODE}\n\`\`\`\n\n${LOG}`),
    ]);
    expect(found).toEqual({
      text: 'Find the race and prove the fix.',
      place: 'part of a message',
      material: [
        { kind: 'code', language: 'rust', characters: expect.closeTo(CODE.length, -1) },
        { kind: 'data', characters: LOG.length },
      ],
    });
  });
});

describe('a message without an ask', () => {
  const place: AskPlace = 'message';

  test('is scored as a whole', () => {
    expect(findAsk([user(PROSE[0])])).toEqual({ text: PROSE[0], place, material: [] });
  });

  test.each([
    [[]],
    [[system('Be kind.')]],
    [[user('')]],
    [[user(null)]],
    [[user([{ type: 'image_url' }])]],
    [[user(' \n')]],
  ])('is not found in %j', (messages) => {
    expect(findAsk(messages)).toBeUndefined();
  });

  test.each([
    'x'.repeat(1_000_000),
    '<a>'.repeat(300_000),
    '<a></a>'.repeat(150_000),
    '```\n'.repeat(250_000),
    '<a>\n```\n</a>\n```\n'.repeat(60_000),
    'Question: why?\n'.repeat(60_000),
    'Q: a\nA: b\n'.repeat(90_000),
    '[{"question":'.repeat(4_000),
    'Why? '.repeat(200_000),
    `${PROSE[0]}\n\n`.repeat(5_000),
    '> '.repeat(500_000),
    '漢'.repeat(400_000),
  ])('of a megabyte takes linear time, case %#', (content) => {
    const quarter = content.slice(0, content.length / 4);
    const measure = (value: string) => {
      const processorMs = startProcessorClock();
      findAsk([user(value)]);
      return processorMs();
    };
    const quarterMs = Math.min(measure(quarter), measure(quarter), measure(quarter));
    const wholeMs = Math.min(measure(content), measure(content), measure(content));
    // Linear time is four times as long, and quadratic time sixteen times.
    expect(wholeMs).toBeLessThan(8 * quarterMs + 60);
  });
});
