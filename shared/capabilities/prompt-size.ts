import { setImmediate } from 'node:timers/promises';
import {
  copyText,
  MAX_KEPT_PIECES,
  MAX_UNITS_AT_ONCE,
  PLAIN_TEXT,
  sliceEnd,
} from '../base/token-slices.ts';

/** The size of a prompt in tokens, found out no further than it is asked for. */
export type PromptSize = {
  /**
   * Whether it has more tokens than this: nearly always known at once. Other requests go on while it
   * is being found out.
   */
  exceeds(limit: number): boolean | Promise<boolean>;
  /** In tokens, at once: by its length. */
  estimate(): number;
  /** The tokens, counted until there are more than this. */
  countUpTo(limit: number): Promise<number>;
};

type CountTokens = (text: string) => number;

/** UTF-8 has at most three bytes for a UTF-16 unit, and a token at least one byte. */
const MAX_TOKENS_PER_UNIT = 3;

/** The longest token of o200k_base, and of cl100k_base: 128 spaces. */
const MAX_BYTES_PER_TOKEN = 128;

/** Of English and of code; a Chinese character has three, and is about one token. */
const BYTES_PER_TOKEN = 4;

/** Slices that stand for the whole, spread evenly over it. */
const SAMPLED_SLICES = 50;

/** How much more than the sample says a prompt may have and still pass uncounted. */
const SAMPLE_MARGIN = 1.25;

/** How much more than the limit a sample must say for a prompt to be refused uncounted. */
const HOPELESS = 2;

/** Some milliseconds' worth of counting. */
const SLICES_AT_ONCE = 50;

/**
 * The size of texts, and of `otherTokens` beside them. Most prompts are settled by their length in
 * bytes, which is at least that in tokens, and very long ones by it, too. What is between is sampled;
 * it is counted, with the encoding of OpenAI's models since gpt-4o, when it is near the limit.
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

/** An estimate by the tokens of a few slices. */
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
