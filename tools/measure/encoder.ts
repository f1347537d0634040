import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ENCODER_FILES } from '../../shared/sentence-encoder/encoder-files.ts';
import {
  type EncoderThread,
  startEncoderThread,
} from '../../shared/sentence-encoder/encoder-thread.ts';
import { quantile } from './statistics.ts';

/** Pieces of the measured texts, with the two marks. */
const LENGTHS = [16, 64, 128];
/** Texts that wait at once. */
const TOGETHER = 16;
const TIMEOUT_MS = 60_000;

/** Prints the times of the encoder's thread, what it costs this thread, its memory and its files. */
export async function measureEncoder(modelsFolder: string, rounds: number): Promise<void> {
  const memoryBefore = process.memoryUsage().rss;
  const startedAt = performance.now();
  const batches: number[] = [];
  const thread = await startEncoderThread({
    modelsFolder,
    timeoutMs: TIMEOUT_MS,
    onBatch: (texts) => batches.push(texts),
  });
  console.log(`Start of the thread: ${(performance.now() - startedAt).toFixed(0)} ms`);
  for (const pieces of LENGTHS) await measureLength(thread, pieces, rounds);
  await measureTogether(thread, batches, rounds);
  const memory = (process.memoryUsage().rss - memoryBefore) / 1e6;
  console.log(`Memory of the process: ${memory.toFixed(0)} MB more than before the start`);
  for (const file of Object.values(ENCODER_FILES)) {
    const path = join(modelsFolder, file);
    console.log(`File ${path}: ${((await stat(path)).size / 1e6).toFixed(2)} MB`);
  }
  await thread.close();
}

async function measureLength({ encode }: EncoderThread, pieces: number, rounds: number) {
  const text = textOf(pieces);
  for (let round = 0; round < rounds; round += 1) await encode(text);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) {
    const startedAt = performance.now();
    await encode(text);
    times.push(performance.now() - startedAt);
  }
  delay.disable();
  const { user, system } = process.cpuUsage(before);
  const processor = ((user + system) / 1_000 / rounds).toFixed(2);
  const [half, most] = [0.5, 0.99].map((share) => quantile(times, share).toFixed(2));
  // The monitor's own timer is due every millisecond, which is not a delay.
  const [late, latest] = [50, 99].map((share) =>
    Math.max(0, delay.percentile(share) / 1e6 - 1).toFixed(2),
  );
  console.log(
    `${pieces} pieces: p50 ${half} ms, p99 ${most} ms, of the processor ${processor} ms; the event loop of the caller meanwhile is late by p50 ${late} ms, p99 ${latest} ms`,
  );
}

async function measureTogether({ encode }: EncoderThread, batches: number[], rounds: number) {
  const text = textOf(64);
  batches.length = 0;
  const times: number[] = [];
  for (let round = 0; round < Math.ceil(rounds / TOGETHER); round += 1) {
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: TOGETHER }, () => encode(text)));
    times.push((performance.now() - startedAt) / TOGETHER);
  }
  console.log(
    `${TOGETHER} texts of 64 pieces at once: p50 ${quantile(times, 0.5).toFixed(2)} ms a text, in batches of up to ${Math.max(...batches)}`,
  );
}

/** Returns a text of frequent words, each of which is one piece. */
function textOf(pieces: number): string {
  const words = 'what is the best way to learn how people live in a small town'.split(' ');
  return Array.from({ length: pieces - 2 }, (_, index) => words[index % words.length]).join(' ');
}
