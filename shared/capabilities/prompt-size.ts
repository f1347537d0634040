import { setImmediate } from 'node:timers/promises';
import {
  copyText,
  MAX_KEPT_PIECES,
  MAX_UNITS_AT_ONCE,
  PLAIN_TEXT,
  sliceEnd,
} from '../base/token-slices.ts';

/** The size of a prompt in tokens, which is determined only as precisely as needed. */
export type PromptSize = {
  /**
   * Whether the prompt has more tokens than this. The result is nearly always immediate; counting
   * lets other requests proceed.
   */
  exceeds(limit: number): boolean | Promise<boolean>;
  /** Returns an immediate estimate in tokens, from the length. */
  estimate(): number;
  /** Counts the tokens, and stops once there are more than this. */
  countUpTo(limit: number): Promise<number>;
};

type CountTokens = (text: string) => number;

/**
 * The most tokens of a UTF-16 unit: it has at most three bytes of UTF-8, and a token at least one.
 */
const MAX_TOKENS_PER_UNIT = 3;

/** The bytes of the longest token of o200k_base and cl100k_base: 128 spaces. */
const MAX_BYTES_PER_TOKEN = 128;

/**
 * The bytes of an average token of English or code; a Chinese character has three and is about one
 * token.
 */
const BYTES_PER_TOKEN = 4;

/** How many slices, spread evenly over a text, stand for the whole. */
const SAMPLED_SLICES = 50;

/**
 * The factor by which a prompt may exceed its sample's estimate; within the limit it passes
 * uncounted.
 */
const SAMPLE_MARGIN = 1.25;

/**
 * The factor by which a sample's estimate must exceed the limit for a prompt to be refused
 * uncounted.
 */
const HOPELESS = 2;

/** The slices that are counted without a pause: some milliseconds' worth. */
const SLICES_AT_ONCE = 50;

/**
 * Creates the size of texts plus `otherTokens`. The length in bytes settles most prompts, since no
 * text has more tokens than bytes, and very long ones as well. A prompt in between is sampled, and
 * near the limit it is counted, with the encoding of OpenAI's models since gpt-4o.
 */
export function createPromptSize(texts: readonly string[], otherTokens = 0): PromptSize {
  let units = 0;
  for (const text of texts) units += text.length;
  let bytes: number | undefined;
  let whole: string | undefined;
  let sampled: number | undefined;
  const counted = { end: 0, tokens: 0 };

  function exceedsByLength(limit: number): boolean | undefined {
    if (units * MAX_TOKENS_PER_UNIT <= limit) return false;
    const length = byteLength();
    if (length <= limit) return false;
    return length > limit * MAX_BYTES_PER_TOKEN ? true : undefined;
  }

  function byteLength(): number {
    bytes ??= texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    return bytes;
  }

  function exceedsBySample(text: string, limit: number, count: CountTokens): boolean | undefined {
    if (text.length <= SAMPLED_SLICES * MAX_UNITS_AT_ONCE) return undefined;
    sampled ??= sampleTokens(text, count);
    if (sampled * SAMPLE_MARGIN <= limit) return false;
    return sampled > limit * HOPELESS ? true : undefined;
  }

  async function counts(text: string, limit: number, count: CountTokens): Promise<number> {
    for (let slices = 1; counted.end < text.length && counted.tokens <= limit; slices += 1) {
      const end = sliceEnd(text, counted.end);
      counted.tokens += count(text.slice(counted.end, end));
      counted.end = end;
      if (slices % SLICES_AT_ONCE === 0) await setImmediate();
    }
    return counted.tokens;
  }

  async function exceedsByCount(limit: number): Promise<boolean> {
    const count = await loadCounter();
    const text = wholeText();
    return exceedsBySample(text, limit, count) ?? (await counts(text, limit, count)) > limit;
  }

  function wholeText(): string {
    whole ??= texts.join('\n');
    return whole;
  }

  return {
    estimate: () => Math.ceil(byteLength() / BYTES_PER_TOKEN) + otherTokens,
    exceeds: (wholeLimit) => {
      const limit = wholeLimit - otherTokens;
      return exceedsByLength(limit) ?? exceedsByCount(limit);
    },
    countUpTo: async (limit) =>
      otherTokens + (await counts(wholeText(), limit - otherTokens, await loadCounter())),
  };
}

/** Estimates the tokens of a text from a few slices. */
function sampleTokens(text: string, count: CountTokens): number {
  let [tokens, units] = [0, 0];
  for (let index = 0; index < SAMPLED_SLICES; index += 1) {
    const start = Math.floor((text.length * index) / SAMPLED_SLICES);
    const slice = text.slice(start, sliceEnd(text, start));
    tokens += count(slice);
    units += slice.length;
  }
  return (tokens / units) * text.length;
}

async function loadCounter(): Promise<CountTokens> {
  const { countTokens, setMergeCacheSize } = await import('gpt-tokenizer/encoding/o200k_base');
  setMergeCacheSize(MAX_KEPT_PIECES);
  return (text) => countTokens(copyText(text), PLAIN_TEXT);
}
