import { setTimeout as sleep } from 'node:timers/promises';
import { SMOKE_CHECKS, type SmokeCheck, type SmokeDemands, SmokeFailure } from './smoke-checks.ts';
import { createSmokeClient, type SmokeClient } from './smoke-client.ts';

type SmokeTest = SmokeDemands & {
  readonly url: URL;
  /** Caller's key; absent if the router takes no keys. */
  readonly key?: string;
  /** Time in milliseconds during which the first checks may fail, all together. */
  readonly timeoutMs: number;
  readonly print: (line: string) => void;
  /** Called with the reason why the test waits. */
  readonly note: (line: string) => void;
};

/** Pause between attempts in milliseconds. A fresh deployment needs time, not many requests. */
const RETRY_MS = 3_000;

/**
 * Runs every check and prints a line for each, but stops when a vital one fails. Resolves to true
 * if all passed.
 */
export async function runSmokeTest(test: SmokeTest): Promise<boolean> {
  const { url, key, print } = test;
  const client = createSmokeClient(url, key);
  const deadline = Date.now() + test.timeoutMs;
  let failed = 0;
  for (const check of SMOKE_CHECKS) {
    const { passed, text } = await runCheck(check, client, { test, deadline });
    // An answer may contain the key that it was asked with.
    const said = key === undefined ? text : text.replaceAll(key, '***');
    print(`${passed ? 'ok' : 'not ok'}: ${check.name}: ${said}`);
    if (!passed) failed += 1;
    if (!passed && check.isVital) break;
  }
  print(failed === 0 ? `All is well at ${url.origin}.` : `${failed} failed at ${url.origin}.`);
  return failed === 0;
}

async function runCheck(
  { name, run, isRetried }: SmokeCheck,
  client: SmokeClient,
  { test, deadline }: { readonly test: SmokeTest; readonly deadline: number },
): Promise<{ readonly passed: boolean; readonly text: string }> {
  let isNoted = false;
  for (;;) {
    try {
      return { passed: true, text: await run(client, test) };
    } catch (error) {
      const text = explain(error);
      if (!isRetried || Date.now() + RETRY_MS > deadline) return { passed: false, text };
      if (!isNoted) {
        const seconds = Math.ceil((deadline - Date.now()) / 1_000);
        test.note(`Waiting up to ${seconds} s until this passes: ${name}: ${text}`);
      }
      isNoted = true;
    }
    await sleep(RETRY_MS);
  }
}

function explain(error: unknown): string {
  if (error instanceof SmokeFailure) return error.message;
  if (!(error instanceof Error)) throw error;
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error.message}${cause}. Check the address, and that the app is running and admits this machine.`;
}
