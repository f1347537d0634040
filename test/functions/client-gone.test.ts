import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

let router: Router;
beforeAll(async () => {
  router = await startRouter({ hangMs: 60_000 });
});
afterAll(() => router.close());
beforeEach(() => router.simulator.reset());

type Leaving = { readonly answer: Promise<Response>; leave(): void };

function ask(body: object): Leaving {
  const controller = new AbortController();
  const answer = fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ routing: { threshold: 1 }, ...body }),
    signal: controller.signal,
  });
  answer.catch(() => undefined);
  return { answer, leave: () => controller.abort() };
}

function isAborted(): boolean {
  return router.simulator.requests.at(-1)?.aborted === true;
}

/** Returns the log's lines on clients that have left, the newest last. */
function departures(): Record<string, unknown>[] {
  const lines = router.output().split('\n');
  return lines
    .filter((line) => line.includes('"client-gone"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('ends the deployment’s stream when the client leaves it', async () => {
  const before = departures().length;
  const { answer, leave } = ask({ prompt: '[sim:chunks:10000:50]', stream: true });
  const response = await answer;
  await response.body?.getReader().read();
  expect(isAborted()).toBe(false);
  leave();
  await expect.poll(isAborted).toBe(true);
  await expect.poll(() => departures().length).toBe(before + 1);
  expect(departures().at(-1)).toMatchObject({
    level: 'info',
    status: 499,
    requestId: response.headers.get('x-smart-router-request-id'),
  });
});

test('ends the deployment’s work on a plain answer that nobody waits for', async () => {
  const before = departures().length;
  const { leave } = ask({ prompt: '[sim:stall:0]' });
  await expect.poll(() => router.simulator.requests.length).toBe(1);
  leave();
  await expect.poll(isAborted).toBe(true);
  await expect.poll(() => departures().length).toBe(before + 1);
  // A departure is not a refusal.
  const requestId = String(departures().at(-1)?.['requestId']);
  const lines = router.output().split('\n');
  const refusals = lines.filter((line) => line.includes('"request-refused"'));
  expect(refusals.filter((line) => line.includes(requestId))).toEqual([]);
});

test('asks no deployment for a client that left in the middle of its upload', async () => {
  const before = departures().length;
  const { hostname, port } = new URL(router.url);
  async function leaveInUpload(): Promise<number> {
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"pro\r\n`,
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    socket.destroy();
    return departures().length;
  }
  // A client that leaves before the app has received its request is not logged.
  await expect.poll(leaveInUpload).toBeGreaterThan(before);
  expect(router.simulator.requests).toEqual([]);
});

test('continues to serve in the same process after many clients have left concurrently', async () => {
  const pid = router.workerPid();
  const before = departures().length;
  const leaving = Array.from({ length: 50 }, (_, index) =>
    index % 2 === 0
      ? ask({ prompt: '[sim:chunks:10000:20]', stream: true })
      : ask({ prompt: '[sim:stall:0]' }),
  );
  await expect.poll(() => router.simulator.requests.length).toBe(50);
  for (const { leave } of leaving) leave();
  // A client of the test before may be heard of this late.
  await expect.poll(() => departures().length).toBeGreaterThanOrEqual(before + 50);
  await expect.poll(() => router.simulator.requests.every(({ aborted }) => aborted)).toBe(true);
  expect((await post(router.url + ROUTED, { prompt: 'Hi' })).status).toBe(200);
  expect(router.workerPid()).toBe(pid);
});

test('says nothing of a client that has its whole answer', async () => {
  const plain = await post(router.url + ROUTED, { prompt: 'Hi' });
  expect(plain.status).toBe(200);
  const streamed = await ask({ prompt: 'Hi', stream: true }).answer;
  expect(await streamed.text()).toContain('[DONE]');
  const gone = departures().map(({ requestId }) => requestId);
  for (const { headers } of [plain, streamed]) {
    const requestId = headers.get('x-smart-router-request-id');
    expect(requestId).toMatch(/./);
    expect(gone).not.toContain(requestId);
  }
});
