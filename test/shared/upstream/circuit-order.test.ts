import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type Circuit,
  createCircuit,
  MAX_OPEN_MS,
  type Outcome,
  type Report,
} from '../../../shared/upstream/circuit.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const OPEN_MS = 10_000;
const create = () => createCircuit('weak', { circuitFailures: 2, circuitOpenMs: OPEN_MS });
const pass = (ms: number) => vi.advanceTimersByTime(ms);

async function call(circuit: Circuit, outcome: Outcome): Promise<void> {
  (await circuit.enter())(outcome);
}

/** A circuit that has just opened, and calls that were begun before it did. */
async function createOpen(begun = 0): Promise<{ circuit: Circuit; early: readonly Report[] }> {
  const circuit = create();
  const early = await Promise.all(Array.from({ length: begun }, () => circuit.enter()));
  for (let failure = 0; failure < 2; failure += 1) await call(circuit, 'failed');
  expect(circuit.state()).toBe('open');
  return { circuit, early };
}

function leftMs(circuit: Circuit): number {
  try {
    circuit.check();
    return 0;
  } catch (error) {
    return Number(
      (error as { readonly headers: Record<string, string> }).headers['retry-after-ms'],
    );
  }
}

describe('calls begun before a circuit opened', () => {
  test('neither close it nor keep it open for longer', async () => {
    const { circuit, early } = await createOpen(4);
    pass(6_000);
    early[0]?.('alive');
    early[1]?.('failed');
    early[2]?.('failed');
    expect(leftMs(circuit)).toBe(4_000);
    pass(4_000);
    early[3]?.('alive');
    expect(circuit.state()).toBe('half-open');
  });

  test('do not decide a trial that is under way', async () => {
    const { circuit, early } = await createOpen(3);
    pass(OPEN_MS);
    const report = await circuit.enter();
    early[0]?.('alive');
    early[1]?.('failed');
    early[2]?.('unknown');
    expect(() => circuit.enter()).toThrow(/failed too many of its newest calls/);
    report('alive');
    expect(circuit.state()).toBe('closed');
  });

  test('do not open it again once it has closed', async () => {
    const { circuit, early } = await createOpen(2);
    pass(OPEN_MS);
    await call(circuit, 'alive');
    for (const report of early) report('failed');
    expect(circuit.state()).toBe('closed');
    await call(circuit, 'failed');
    expect(circuit.state()).toBe('closed');
  });
});

describe('the share of failures that opens a circuit', () => {
  test('is half of the newest calls, twice as many as open it', async () => {
    const circuit = createCircuit('weak', { circuitFailures: 3, circuitOpenMs: OPEN_MS });
    for (const outcome of [
      'failed',
      'alive',
      'failed',
      'alive',
      'alive',
      'alive',
      'alive',
    ] as const)
      await call(circuit, outcome);
    pass(5_001);
    await call(circuit, 'failed');
    // The newest six: one of the first two failures is no longer among them.
    expect(circuit.recent()).toMatchObject({ calls: 6, failed: 2 });
    await call(circuit, 'failed');
    await call(circuit, 'failed');
    expect(circuit.state()).toBe('open');
  });

  test('is that of the last seconds where there are more calls', async () => {
    const circuit = create();
    for (let index = 0; index < 5_000; index += 1) await call(circuit, 'alive');
    for (let index = 0; index < 1_000; index += 1) await call(circuit, 'failed');
    expect(circuit.state()).toBe('closed');
    pass(5_001);
    await call(circuit, 'failed');
    expect(circuit.state()).toBe('open');
  });

  test('does not count failures of long ago', async () => {
    const circuit = create();
    await call(circuit, 'failed');
    pass(600_001);
    await call(circuit, 'failed');
    expect(circuit.state()).toBe('closed');
    expect(circuit.recent()).toEqual({ calls: 1, failed: 1, unclear: 0 });
  });
});

describe('failures of requests that nobody answered', () => {
  const questions: PromiseWithResolvers<boolean>[] = [];
  beforeEach(() => {
    questions.length = 0;
  });
  const createAsking = () =>
    createCircuit('weak', { circuitFailures: 2, circuitOpenMs: OPEN_MS }, () => {
      const question = Promise.withResolvers<boolean>();
      questions.push(question);
      return question.promise;
    });

  test('have the deployment asked something simple, once at a time and in its own time', async () => {
    const circuit = createAsking();
    for (let failure = 0; failure < 10; failure += 1) await call(circuit, 'unclear');
    expect(questions).toHaveLength(1);
    expect(circuit.state()).toBe('closed');
    questions[0]?.resolve(true);
    await expect.poll(() => circuit.recent().unclear).toBe(0);
    for (let failure = 0; failure < 10; failure += 1) await call(circuit, 'unclear');
    expect(questions).toHaveLength(1);
    pass(OPEN_MS);
    await call(circuit, 'unclear');
    expect(questions).toHaveLength(2);
    expect(circuit.state()).toBe('closed');
  });

  test.each([
    ['refused', (question?: PromiseWithResolvers<boolean>) => question?.resolve(false)],
    ['lost', (question?: PromiseWithResolvers<boolean>) => question?.reject(new Error('down'))],
  ])('open it when that is %s as well', async (_, end) => {
    const circuit = createAsking();
    for (let failure = 0; failure < 2; failure += 1) await call(circuit, 'unclear');
    end(questions[0]);
    await expect.poll(() => circuit.state()).toBe('open');
    expect(leftMs(circuit)).toBe(OPEN_MS);
  });

  test('are forgotten at an answer', async () => {
    const circuit = createAsking();
    for (const outcome of ['unclear', 'alive', 'unclear', 'unknown', 'alive', 'unclear'] as const) {
      await call(circuit, outcome);
    }
    expect(questions).toHaveLength(0);
  });

  test.each([
    [true, 'closed', 0],
    [false, 'open', 2 * OPEN_MS],
  ] as const)('leave a trial to the question: %s', async (isAlive, state, waitMs) => {
    const circuit = createAsking();
    for (let failure = 0; failure < 2; failure += 1) await call(circuit, 'failed');
    pass(OPEN_MS);
    await call(circuit, 'unclear');
    expect(leftMs(circuit)).toBe(1_000);
    questions[0]?.resolve(isAlive);
    await expect.poll(() => circuit.state()).toBe(state);
    expect(leftMs(circuit)).toBe(waitMs);
  });
});

describe('a trial', () => {
  test('is given to one of many callers, and its question is asked once', async () => {
    const { circuit } = await createOpen();
    pass(OPEN_MS);
    let questions = 0;
    const answer = Promise.withResolvers<boolean>();
    const isAlive = () => {
      questions += 1;
      return answer.promise;
    };
    const entered = Array.from({ length: 100 }, async () => circuit.enter(isAlive));
    answer.resolve(true);
    const settled = await Promise.allSettled(entered);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(questions).toBe(1);
  });

  test('ends when its question throws', async () => {
    const { circuit } = await createOpen();
    pass(OPEN_MS);
    const entered = circuit.enter(() => Promise.reject(new Error('broken')));
    await expect(entered).rejects.toMatchObject({ code: 'circuit_open' });
    expect(leftMs(circuit)).toBe(2 * OPEN_MS);
    pass(2 * OPEN_MS);
    await call(circuit, 'alive');
    expect(circuit.state()).toBe('closed');
  });

  test('that ended without an outcome does not decide the next one', async () => {
    const { circuit } = await createOpen();
    pass(OPEN_MS);
    const first = await circuit.enter();
    first('unknown');
    const second = await circuit.enter();
    first('alive');
    expect(circuit.state()).toBe('half-open');
    second('failed');
    second('alive');
    expect(leftMs(circuit)).toBe(2 * OPEN_MS);
  });

  test('is turned away with a second to wait while another one is under way', async () => {
    const { circuit } = await createOpen();
    pass(OPEN_MS);
    await circuit.enter();
    pass(3_600_000);
    expect(leftMs(circuit)).toBe(1_000);
  });
});

test('a time of day that is set does not change how long a circuit stays open', async () => {
  const { circuit } = await createOpen();
  vi.setSystemTime(Date.now() - 86_400_000);
  expect(leftMs(circuit)).toBe(OPEN_MS);
  vi.setSystemTime(Date.now() + 2 * 86_400_000);
  expect(leftMs(circuit)).toBe(OPEN_MS);
  pass(OPEN_MS);
  expect(circuit.state()).toBe('half-open');
});

test('whatever the order of calls, one trial runs at a time, and a minute is the longest pause', async () => {
  const outcome = fc.constantFrom<Outcome>('alive', 'failed', 'failed', 'failed', 'unknown');
  const step = fc.oneof(
    fc.record({ wait: fc.nat(2 * MAX_OPEN_MS) }),
    fc.record({ isAlive: fc.boolean() }),
    fc.record({ end: fc.nat(9), outcome }),
  );
  const steps = fc.array(step, { maxLength: 80, size: 'max' });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const circuit = create();
      const calls: { readonly report: Report; readonly isTrial: boolean }[] = [];
      for (const one of all) {
        const isTrialUnderWay = calls.some(({ isTrial }) => isTrial);
        const stateBefore = circuit.state();
        if ('wait' in one) pass(one.wait);
        else if ('end' in one) {
          const [ended] = calls.splice(one.end % calls.length, 1);
          ended?.report(one.outcome);
        } else {
          const isAdmitted =
            stateBefore === 'closed' || (stateBefore === 'half-open' && !isTrialUnderWay);
          expect(leftMs(circuit) === 0).toBe(isAdmitted);
          if (!isAdmitted) continue;
          const isTrial = stateBefore === 'half-open';
          const report = await Promise.resolve(circuit.enter(async () => one.isAlive)).catch(
            () => undefined,
          );
          expect(report !== undefined).toBe(!isTrial || one.isAlive);
          if (report) calls.push({ report, isTrial });
        }
        expect(leftMs(circuit)).toBeLessThanOrEqual(MAX_OPEN_MS);
      }
    }),
  );
});
