import { kindOfSentence, PERSONA, type Sentence } from './ask-words.ts';
import { edgeSentences, scriptOf } from './sentences.ts';
import type { Block } from './split-blocks.ts';

/** How many blocks at each end of a long message can be its ask. */
const HEAD_BLOCKS = 2;
const TAIL_BLOCKS = 4;
/** The longest ask that is taken whole out of a long message; of a longer block, only sentences are. */
const LONG_BLOCK = 900;
/** Prose up to this length, in characters, is the ask as a whole. */
export const SHORT_PROSE = 900;

/** A block, or a part of it, that may ask. */
export type Choice = { readonly block: Block; readonly text: string; readonly score: number };

export const SCORES: Readonly<Record<Sentence, number>> = {
  question: 3,
  task: 2,
  manner: 0.6,
  statement: 0,
};
/** Added where a block is written in another script than most of the message. */
const OTHER_SCRIPT = 2;
/** Added where a block is one line, up to so many characters, among longer ones. */
const ONE_LINE = 1.7;
const LONGEST_LINE = 240;
/** A block that only stands at an end has no higher rank. */
const LEAST_RANK = 1;
/** Taken off where a label says that context has begun before the block. */
const AFTER_CONTEXT_LABEL = 0.5;

/** Chooses the blocks that ask. Short prose is one ask; in long prose, what asks stands at an end. */
export function chooseBlocks(blocks: readonly Block[]): readonly Choice[] {
  const prose = blocks.filter((block, index) => {
    return block.kind === 'prose' && !introduces(block, blocks[index + 1]);
  });
  const own = prose.filter(
    ({ role, text }) =>
      role !== 'context' &&
      !(PERSONA.test(text) && prose.length > 1 && scoreOf({ text }) < SCORES.task),
  );
  const length = own.reduce((sum, { text }) => sum + text.length, 0);
  if (own.length > 0 && (length <= SHORT_PROSE || prose.length === 1)) {
    const all = own.map((block) => ({ block, text: block.text, score: scoreOf(block) }));
    // A label is not enough to take all for context when nothing before it asks.
    if (own.length === prose.length || all.some(({ score }) => score >= SCORES.task)) return all;
  }
  return prose.length === 0 ? named(blocks) : chooseOfLong(prose);
}

/** Whether a block only says what the next one is, as in `This is main.rs:`. */
function introduces({ text }: Block, next: Block | undefined): boolean {
  return next !== undefined && next.kind !== 'prose' && INTRODUCTION.test(text);
}

const INTRODUCTION =
  /^(?:this|here|these|below|attached|my|our|the|file|hier|das|dies|voici|ceci|este|esta|aquí|isto|ecco|questo)\b.{0,80}[:：]$/iu;

/** Code that is asked by its label is the ask itself. */
function named(blocks: readonly Block[]): readonly Choice[] {
  return blocks
    .filter(({ role }) => role === 'ask')
    .map((block) => ({ block, text: block.text, score: SCORES.task }));
}

function chooseOfLong(all: readonly Block[]): readonly Choice[] {
  const prose = withoutMannerAtEnd(all);
  const mass = measureMass(prose);
  const ranked = [...prose.entries()]
    .filter(([index, { text }]) => isAtAnEnd(index, prose.length) && !OPTIONS.test(text))
    .map(([index, block]) => {
      const { text, score: base } = askingPart(block.text);
      const score = base + (scriptOf(text) === mass.script ? 0 : OTHER_SCRIPT);
      const isOuter = index === 0 || index === prose.length - 1;
      const rank = score + placeOf(index, prose.length - 1) + standsOut(block, mass, isOuter);
      return { index, rank, choice: { block, text, score } };
    })
    .filter(({ rank }) => rank > LEAST_RANK)
    .sort((a, b) => b.rank - a.rank);
  const [best] = ranked;
  return best === undefined ? [] : [best.choice, ...optionsAfter(prose, best.index)];
}

/** Leaves out what only tells how to answer, since what is asked stands before it. */
function withoutMannerAtEnd(prose: readonly Block[]): readonly Block[] {
  const last = prose.findLastIndex(
    ({ text }) => !edgeSentences(text).every((sentence) => kindOfSentence(sentence) === 'manner'),
  );
  return last <= 0 ? prose : prose.slice(0, last + 1);
}

type Mass = { readonly script: 'latin' | 'other'; readonly length: number };

/** How many blocks at each end tell what most of a message is like. */
const MASS_BLOCKS = 12;

/** Returns the script of most of a message, and the median length of its blocks in characters. */
function measureMass(prose: readonly Block[]): Mass {
  const sample = prose.filter(
    (_, index) => index < MASS_BLOCKS || index >= prose.length - MASS_BLOCKS,
  );
  const lengths = sample.map(({ text }) => text.length).sort((a, b) => a - b);
  return {
    script: scriptOf(sample.map(({ text }) => text.slice(0, 300)).join(' ')),
    length: lengths[Math.floor(lengths.length / 2)] ?? 0,
  };
}

/** The ask is often one line among paragraphs; context goes on after its label. */
function standsOut({ text, role }: Block, mass: Mass, isOuter: boolean): number {
  const isLine = isOuter && text.length <= LONGEST_LINE && text.length * 2 <= mass.length;
  return (isLine ? ONE_LINE : 0) - (role === 'context' ? AFTER_CONTEXT_LABEL : 0);
}

function isAtAnEnd(index: number, count: number): boolean {
  return index < HEAD_BLOCKS || index >= count - TAIL_BLOCKS;
}

/** The nearer to an end, the likelier a block asks; more so at the end than at the beginning. */
function placeOf(index: number, last: number): number {
  if (index === last) return 1;
  if (index === 0) return 0.8;
  return index === last - 1 ? 0.6 : 0.3;
}

/** The start of the first option of a question. */
const OPTIONS = /^\(?[Aa1][.):]\s/;

/** The options of a question with a choice belong to it. */
function optionsAfter(prose: readonly Block[], index: number): readonly Choice[] {
  const next = prose[index + 1];
  if (next === undefined || !OPTIONS.test(next.text)) return [];
  return [{ block: next, text: next.text, score: 0 }];
}

/** Returns a block, or of a long one the sentences at its ends that ask. */
function askingPart(text: string): { readonly text: string; readonly score: number } {
  const sentences = edgeSentences(text);
  const scored = sentences.map((sentence) => ({
    sentence,
    score: SCORES[kindOfSentence(sentence)],
  }));
  const highest = Math.max(0, ...scored.map((one) => one.score));
  const others = scored.filter((one) => one.score < SCORES.task).length;
  // An exercise in a text of statements is seldom an ask of ours.
  const score = Math.max(0, highest - (others > 2 ? AMONG_STATEMENTS : 0));
  if (text.length <= LONG_BLOCK) return { text, score };
  const asking = scored.filter((one) => one.score === highest).map((one) => one.sentence);
  return { text: asking.join(' '), score };
}

const AMONG_STATEMENTS = 0.8;

function scoreOf({ text }: Pick<Block, 'text'>): number {
  return Math.max(0, ...edgeSentences(text).map((sentence) => SCORES[kindOfSentence(sentence)]));
}
