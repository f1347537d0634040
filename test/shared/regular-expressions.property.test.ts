import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findAsk } from '../../shared/asks/find-ask.ts';
import { readPrompt, splitWords } from '../../shared/prompt-embedding/prompt-words.ts';
import { startProcessorClock } from '../support/processor-time.ts';
import { propertyRuns } from '../support/property-runs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A regular expression as it stands in the source, where an expression can begin. */
const LITERAL =
  /(?<=[(=,:[!&|?;{\s])\/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[*\s])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])*)\/([dgimsuvy]*)(?=[\s,;.)\]])/g;

/** Quadratic time is tens of milliseconds then, and linear time less than one. */
const LENGTH = 5_000;
const SUSPICIOUS_MS = 5;

type Found = { readonly name: string; readonly pattern: RegExp };

/** Every regular expression that runs in production; the client library runs elsewhere. */
function findPatterns(): Found[] {
  const files = ['shared', 'functions'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !/^(client|openapi)\//.test(file))
      .map((file) => join(folder, file)),
  );
  return files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .filter((line) => !/^\s*(\/\/|\/?\*)/.test(line))
      .flatMap((line) => [...line.matchAll(LITERAL)])
      .map(([, source = '', flags = '']) => ({
        name: `${file}: /${source}/${flags}`,
        pattern: new RegExp(source, flags.replace('g', '')),
      })),
  );
}

/** The best of three, of the processor's time: others use this machine too. */
function bestMs(read: (text: string) => unknown, text: string): number {
  const times = Array.from({ length: 3 }, () => {
    const processorMs = startProcessorClock();
    read(text);
    return processorMs();
  });
  return Math.min(...times);
}

/** What repeats a part of a pattern: its own characters, and those that its classes stand for. */
function pumpsFor({ pattern }: Found): fc.Arbitrary<string> {
  const own = [...pattern.source.replace(/\\[pPbBdDwWsS]|[\\[\](){}^$*+?|]/g, '')];
  const character = fc.constantFrom(
    ...own,
    ' ',
    '\n',
    '\r',
    'a',
    'Z',
    '0',
    '_',
    '-',
    '.',
    '"',
    '$',
  );
  return fc.string({ unit: character, minLength: 1, maxLength: 4 });
}

/** Whether reading four times as much takes about four times as long, where it takes any time. */
function isLinear(read: (text: string) => unknown, ends: readonly string[], pump: string): boolean {
  const [before = '', after = ''] = ends;
  const times = Math.ceil(LENGTH / pump.length);
  const once = bestMs(read, before + pump.repeat(times) + after);
  if (once < SUSPICIOUS_MS) return true;
  return bestMs(read, before + pump.repeat(4 * times) + after) / once < 9;
}

const patterns = findPatterns();
const starts = fc.constantFrom('', 'a', '"', '$', '\n', 'Bearer ', 'data: ');
const stops = fc.constantFrom('', '!', '\u0000', '\n');

describe('regular expressions that strangers’ text runs through', () => {
  test('are found in the source', () => {
    const names = patterns.map(({ name }) => name).join('\n');
    expect(patterns.length).toBeGreaterThan(50);
    for (const known of [
      'Bearer',
      String.raw`\d{16}`,
      '```',
      'Unrecognized request arguments?',
      'total_tokens',
      'Answer',
    ]) {
      expect(names).toContain(known);
    }
  });

  test('are told from those that take quadratic time', () => {
    expect(isLinear((text) => /\s+$/.test(text), ['', '!'], ' ')).toBe(false);
    expect(isLinear((text) => /^\s*(identity)?\s*$/.test(text), ['', '!'], ' ')).toBe(false);
  });

  test.each(patterns.map((one) => [one.name, one] as const))('%s takes linear time', (_, found) => {
    const { pattern } = found;
    fc.assert(
      fc.property(starts, pumpsFor(found), stops, (before, pump, after) => {
        expect(isLinear((text) => pattern.test(text), [before, after], pump)).toBe(true);
      }),
      propertyRuns(30),
    );
  });

  test('leave the reading of prompts linear, too', () => {
    const pump = fc.string({
      unit: fc.constantFrom(
        ...[
          'a',
          '-',
          "'",
          '漢',
          '1',
          ' ',
          '\n',
          '<',
          '>',
          '<a>',
          '</a>',
          '```',
          '#',
          '*',
          ':',
          '?',
          '.',
          '[',
          '{',
          ',',
          '|',
        ],
        ...['Q: ', 'A: ', '> ', '/a', '=', '"', 'A. '],
      ),
      minLength: 1,
    });
    const readers = [
      splitWords,
      readPrompt,
      (text: string) => findAsk([{ role: 'user', content: text }]),
    ];
    fc.assert(
      fc.property(pump, fc.constantFrom('', '<system-reminder>', 'Answer:'), (part, more) => {
        for (const read of readers) expect(isLinear(read, [], part + more)).toBe(true);
      }),
      propertyRuns(30),
    );
  });
});
