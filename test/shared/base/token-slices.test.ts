import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { sliceEnd } from '../../../shared/base/token-slices.ts';
import { createPromptSize } from '../../../shared/capabilities/prompt-size.ts';
import { cutToTokens } from '../../../shared/prompt-embedding/cut-to-tokens.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function heapMegabytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
}

/** Returns a megabyte of text in one piece, with a word that no other text has. */
function uniquePrompt(index: number): string {
  const text = `unheardofword${index}${'qxz'.repeat(4)} ${'lorem ipsum '.repeat(80_000)}`;
  return JSON.parse(JSON.stringify(text));
}

test.each<[string, (text: string) => Promise<unknown>]>([
  ['is counted', async (text) => createPromptSize([text]).exceeds(300_000)],
  ['is cut', (text) => cutToTokens(text, 100)],
])('a prompt that %s is not kept in memory', async (_, use) => {
  await use(uniquePrompt(0));
  const before = heapMegabytes();
  for (let index = 1; index <= 60; index += 1) await use(uniquePrompt(index));
  expect(heapMegabytes() - before).toBeLessThan(15);
});

test('a slice ends before a space, or at the latest between two characters', () => {
  const words = 'a word '.repeat(200);
  expect(words.slice(0, sliceEnd(words, 0))).toMatch(/^a word( a word)* a$|^a word( a word)*$/);
  expect(sliceEnd('x'.repeat(1_000), 100)).toBe(500);
  expect(sliceEnd(`x${'🎉'.repeat(500)}`, 0)).toBe(399);
  expect(sliceEnd('short text', 3)).toBe(10);
  // A space at the beginning of a slice does not end it.
  expect(sliceEnd(` ${'x'.repeat(1_000)}`, 0)).toBe(400);
});
