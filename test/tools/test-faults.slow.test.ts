import { describe, expect, test } from 'vitest';
import { checkAnswer, checkCalls, type Received } from '../../tools/faults/check-answer.ts';
import { createQuestionMaker, modelsOf, type Question } from '../../tools/faults/question.ts';
import { runTool } from '../fakes/run-tool.ts';

const maker = createQuestionMaker();

function question(stream: boolean, due: Question['due'] = ['chosen']): Question {
  return maker.chat({ stream, chosen: 'weak', due });
}

/** The answer that a client gets when all goes well, but for what is given. */
function answer(to: Question, body: string, more: Partial<Received> = {}): Received {
  return {
    end: 'complete',
    status: 200,
    body,
    ms: 1,
    ...more,
    headers: {
      'content-type': to.stream ? 'text/event-stream; charset=utf-8' : 'application/json',
      'x-ms-client-request-id': to.id,
      'x-smart-router-selected-model': modelsOf('weak').shown,
      'x-smart-router-reason': 'win-rate',
      'x-smart-router-attempts': '1',
      'x-smart-router-attempt-chain': 'weak;200',
      ...more.headers,
    },
  };
}

function plain(text: string, name: 'weak' | 'strong' = 'weak'): string {
  const { served, shown } = modelsOf(name);
  const choices = [{ index: 0, message: { content: text }, finish_reason: 'stop' }];
  return JSON.stringify({ model: served, choices, response: text, selected_model: shown });
}

function chunk(content: string, more: object = {}): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }];
  return `data: ${JSON.stringify({ id: 'a', model: modelsOf('weak').served, choices, ...more })}\n\n`;
}

const finish = chunk('', { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
const done = 'data: [DONE]\n\n';
const failed = 'data: {"error":{"message":"It broke.","code":"x"}}\n\n';
const otherId = 'qabcdef-000001';

const kinds = (to: Question, received: Received): string[] =>
  checkAnswer(to, received).findings.map(({ kind }) => kind);

describe('an answer that is as it has to be', () => {
  test('plain', () => {
    const to = question(false);
    const verdict = checkAnswer(to, answer(to, plain(to.answerOf('weak'))));
    expect(verdict).toEqual({ outcome: 'chosen', findings: [] });
  });

  test('streamed', () => {
    const to = question(true);
    const body = `: ping\n\n${chunk(to.answerOf('weak'))}${finish}${done}`;
    expect(checkAnswer(to, answer(to, body))).toEqual({ outcome: 'chosen', findings: [] });
  });

  test('from the other deployment, after the chosen one', () => {
    const to = question(false, ['fallback']);
    const received = answer(to, plain(to.answerOf('strong'), 'strong'), {
      headers: {
        'x-smart-router-selected-model': modelsOf('strong').shown,
        'x-smart-router-reason': 'fallback',
        'x-smart-router-attempt-chain': 'weak;500, strong;200',
      },
    });
    expect(checkAnswer(to, received)).toEqual({ outcome: 'fallback', findings: [] });
  });

  test('an error that had to come, and a stream that had to break', () => {
    const refused = question(false, ['error 400']);
    const error = answer(refused, '{"error":{"message":"No.","code":null}}', { status: 400 });
    expect(checkAnswer(refused, error)).toEqual({ outcome: 'error 400', findings: [] });
    const broken = question(true, ['broken off']);
    const events = `${chunk(broken.answerOf('weak').slice(0, 20))}${failed}`;
    expect(checkAnswer(broken, answer(broken, events))).toEqual({
      outcome: 'broken off',
      findings: [],
    });
  });
});

describe('an answer that is lost', () => {
  test.each([
    ['broke off', 'half'],
    ['timed out', ''],
    ['complete', ''],
  ] as const)('%s, with the body "%s"', (end, body) => {
    const to = question(false);
    expect(kinds(to, answer(to, body, { end }))).toEqual(['lost']);
  });
});

describe('an answer that is given twice', () => {
  const to = question(true);
  const text = to.answerOf('weak');
  test.each([
    ['two [DONE]', `${chunk(text)}${finish}${done}${done}`],
    ['text behind [DONE]', `${chunk(text)}${finish}${done}${chunk('more')}`],
    ['two error events', `${chunk(text)}${failed}${failed}`],
    ['the text twice', `${chunk(text)}${chunk(text)}${finish}${done}`],
    ['two finish reasons', `${chunk(text)}${finish}${finish}${done}`],
  ])('%s', (_, body) => {
    expect(kinds({ ...to, due: ['chosen', 'broken off'] }, answer(to, body))).toContain('doubled');
  });

  test('by more calls than it admits', () => {
    const exchange = { question: to, received: answer(to, '') };
    expect(checkCalls(exchange, 2, true)).toMatchObject([{ kind: 'doubled' }]);
    expect(checkCalls(exchange, 1, true)).toEqual([]);
    expect(checkCalls(exchange, 0, true)).toMatchObject([{ kind: 'not due' }]);
    expect(checkCalls(exchange, 0, false)).toEqual([]);
  });

  test('but not by one more call in an attempt whose connection was cut before the first byte', () => {
    const cut = maker.chat({
      stream: false,
      chosen: 'weak',
      due: ['chosen'],
      markers: '[sim:cut:0@weak]',
    });
    const exchange = { question: cut, received: answer(cut, '') };
    expect(checkCalls(exchange, 2, true)).toEqual([]);
    expect(checkCalls(exchange, 3, true)).toMatchObject([{ kind: 'doubled' }]);
  });
});

describe('an answer that is another one', () => {
  test('the text of another question', () => {
    const to = question(false);
    const body = plain(to.answerOf('weak').replace(to.id, otherId));
    expect(kinds(to, answer(to, body))).toEqual(['mixed up']);
  });

  test('the headers of another answer', () => {
    const to = question(false);
    const headers = { 'x-ms-client-request-id': otherId };
    expect(kinds(to, answer(to, plain(to.answerOf('weak')), { headers }))).toEqual(['mixed up']);
  });

  test('the headers of another model', () => {
    const to = question(false);
    const headers = { 'x-smart-router-selected-model': modelsOf('strong').shown };
    expect(kinds(to, answer(to, plain(to.answerOf('weak')), { headers }))).toEqual(['mixed up']);
  });

  test('a model switched in the middle of a stream', () => {
    const to = question(true);
    const [start, end] = [to.answerOf('weak').slice(0, 9), to.answerOf('weak').slice(9)];
    const body = `${chunk(start)}${chunk(end, { model: modelsOf('strong').served })}${finish}${done}`;
    expect(kinds(to, answer(to, body))).toContain('mixed up');
  });
});

describe('an answer that is malformed', () => {
  const to = question(true, ['chosen', 'broken off']);
  const text = to.answerOf('weak');
  test.each([
    ['[DONE] behind an error event', `${chunk(text)}${failed}${done}`],
    ['an error event behind [DONE]', `${chunk(text)}${finish}${done}${failed}`],
    ['no end', chunk(text)],
    ['half an event', `${chunk(text)}data: {"choi`],
    ['a line that is no data', `${chunk(text)}nonsense\n\n${finish}${done}`],
    ['text that is missing', `${chunk(text.slice(5))}${finish}${done}`],
    ['[DONE] without a finish reason', `${chunk(text)}${done}`],
  ])('a stream with %s', (_, body) => {
    expect(kinds(to, answer(to, body))).toContain('malformed');
  });

  test.each([
    ['no JSON', 200, '<html>'],
    ['an error without a message', 500, '{"error":{"code":"x"}}'],
    ['a page instead of an error', 502, '<html>'],
  ])('%s', (_, status, body) => {
    const plainly = question(false, ['chosen', `error ${status}`]);
    expect(kinds(plainly, answer(plainly, body, { status }))).toEqual(['malformed']);
  });
});

describe('an answer that had not to come', () => {
  test('an error where another deployment had to answer', () => {
    const to = question(false, ['fallback']);
    const error = answer(to, '{"error":{"message":"No.","code":null}}', { status: 500 });
    expect(kinds(to, error)).toEqual(['not due']);
  });

  test('from another deployment without a reason for it', () => {
    const to = question(false, ['fallback']);
    const headers = { 'x-smart-router-attempt-chain': 'strong;500, weak;200' };
    expect(kinds(to, answer(to, plain(to.answerOf('weak')), { headers }))).toContain('not due');
  });
});

describe('npm run test:faults', () => {
  test('explains itself', async () => {
    const { code, stdout } = await runTool('test-faults', ['--help']);
    expect(stdout).toContain('--only <fault>');
    expect(stdout).toContain('simulator killed');
    expect(code).toBe(0);
  });

  test.each([
    [['--requests', 'many'], '--requests must be a whole number'],
    [['--requests', '0'], '--requests must be from 1'],
    [['--concurrency', '1000'], '--concurrency must be from 1 to 200'],
    [['--only', 'earthquake'], 'There is no fault "earthquake"'],
    [['--hanging', '--memory', '10'], 'exclude each other'],
    [['--loud'], '--loud'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await runTool('test-faults', args);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  test('does harm to the app, and finds every answer as it had to be', async () => {
    const { code, stdout } = await runTool('test-faults', [
      ...['--requests', '300', '--json'],
      // All of them take a minute and a half, of which the gate has its own run.
      ...['500', 'cut midway', 'mixed'].flatMap((fault) => ['--only', fault]),
    ]);
    const { faults } = JSON.parse(stdout) as {
      faults: readonly { readonly requests: number; readonly examples: readonly string[] }[];
    };
    expect(faults.flatMap(({ examples }) => examples)).toEqual([]);
    expect(faults.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThanOrEqual(300);
    expect(code).toBe(0);
  }, 240_000);
});
