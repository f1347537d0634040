import { quantile } from './statistics.ts';
import { createThreadClient } from './thread-client.ts';
import { withTwoInstances } from './two-instances.ts';

const MESSAGES = 50;
const WARM_UP = 30;

const prompt = 'What did I say first?';
const history = Array.from({ length: MESSAGES }, (_, index) => ({
  role: index % 2 === 0 ? 'user' : 'assistant',
  content: `Message ${index}: some words, as people and models say them. `.repeat(4),
}));

/** Measures the time that a thread adds, compared with a chat request that brings the same messages itself. */
export async function measureThreadChat(requests: number): Promise<void> {
  await withTwoInstances(async ({ one }) => {
    const client = createThreadClient(one.url, 1);
    const whole = { messages: [...history, { role: 'user', content: prompt }] };
    const kinds = {
      alone: async () => ({ prompt }),
      whole: async () => whole,
      thread: async () => ({ prompt, thread_id: await client.create(history) }),
    };
    const times = { alone: [] as number[], whole: [] as number[], thread: [] as number[] };
    // The kinds take turns, so that other load on the machine affects all equally.
    for (let count = -WARM_UP; count < requests; count += 1) {
      for (const kind of ['alone', 'whole', 'thread'] as const) {
        const body = await kinds[kind]();
        const from = performance.now();
        await client.chat(body);
        if (count >= 0) times[kind].push(performance.now() - from);
      }
    }
    const show = (kind: keyof typeof times) =>
      [0.5, 0.99].map((q) => quantile(times[kind], q).toFixed(1)).join(', ');
    const added = quantile(times.thread, 0.5) - quantile(times.whole, 0.5);
    console.log(
      `A chat request, p50, p99 in ms: alone ${show('alone')}; with ${MESSAGES} messages in the request ${show('whole')}; in a thread of ${MESSAGES} ${show('thread')}: the thread adds ${added.toFixed(1)} at p50`,
    );
    await client.close();
  });
}
