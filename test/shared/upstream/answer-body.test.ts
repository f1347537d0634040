import { describe, expect, test } from 'vitest';
import { AnswerBody, BodyGivenUpError } from '../../../shared/upstream/answer-body.ts';

/** Creates a body with a connection that records what it is told. */
function start() {
  const told: string[] = [];
  const source = {
    pause: () => told.push('pause'),
    resume: () => told.push('resume'),
    abort: ({ message }: Error) => told.push(message),
  };
  const events: unknown[] = [];
  const body = new AnswerBody(source);
  const watch = () =>
    body.watch({
      onByte: () => events.push('byte'),
      onClose: (error) => events.push(error?.message ?? 'closed'),
    });
  return { body, told, events, watch };
}

async function textOf(body: AnswerBody): Promise<string> {
  let text = '';
  for await (const chunk of body) text += Buffer.from(chunk).toString();
  return text;
}

describe('the body of an answer', () => {
  test('gives its bytes as they come, before and while they are waited for', async () => {
    const { body } = start();
    body.push(Buffer.from('a'));
    const text = textOf(body);
    await new Promise((resolve) => setTimeout(resolve, 5));
    body.push(Buffer.from('b'));
    body.push(Buffer.from('c'));
    body.end();
    expect(await text).toBe('abc');
  });

  test('throws the error that ended it early, after all bytes from before it', async () => {
    const { body } = start();
    body.push(Buffer.from('a'));
    body.end(new Error('cut'));
    expect(Buffer.from((await body.next()).value ?? []).toString()).toBe('a');
    await expect(body.next()).rejects.toThrow('cut');
  });

  test('reports its first byte and its end once, even if both were before', () => {
    const early = start();
    early.watch();
    early.body.push(Buffer.from('a'));
    early.body.push(Buffer.from('b'));
    early.body.end();
    early.body.end(new Error('late'));
    expect(early.events).toEqual(['byte', 'closed']);
    const late = start();
    late.body.push(Buffer.from('a'));
    late.body.end(new Error('cut'));
    late.watch();
    expect(late.events).toEqual(['byte', 'cut']);
  });

  test('stops its connection while too much waits, and goes on when that is taken', async () => {
    const { body, told } = start();
    body.push(Buffer.alloc(60_000));
    expect(told).toEqual([]);
    body.push(Buffer.alloc(60_000));
    expect(told).toEqual(['pause']);
    await body.next();
    expect(told).toEqual(['pause', 'resume']);
  });

  test('gives up its connection when its reader gives it up, and only then', async () => {
    const left = start();
    left.watch();
    left.body.push(Buffer.from('a'));
    for await (const _ of left.body) break;
    const { message } = new BodyGivenUpError('The rest of the answer is not wanted.');
    expect(left.told.filter((one) => one !== 'resume')).toEqual([message]);
    expect(left.events).toEqual(['byte', message]);
    left.body.push(Buffer.from('b'));
    const whole = start();
    whole.body.end();
    whole.body.destroy();
    expect(whole.told).toEqual([]);
  });
});
