import { withoutExamples } from '../prompt-embedding/prompt-words.ts';
import { kindOfSentence, PERSONA, type Sentence } from './ask-words.ts';
import type { Material } from './material.ts';
import { type Block, splitBlocks } from './split-blocks.ts';

/** What one message holds. */
export type MessageReading = {
  /** The text that asks; without one, the message as a whole. */
  readonly ask: string;
  /**
   * How sure it is that the message asks: 'sure' of a short message, and of what is named or has a question mark;
   * 'maybe' of a task at an end of a long text; 'no' of material.
   */
  readonly asks: 'sure' | 'maybe' | 'no';
  /** Whether the ask is the whole message. */
  readonly isWhole: boolean;
  readonly material: readonly Material[];
};

/** Prose up to this length, in characters, is the ask as a whole. */
const SHORT_PROSE = 900;
/** A text up to this length, in characters, stays whole when its ask refers to the rest of it. */
const SHORT_WITH_REFERENCE = 3_000;
/** Material in a text without tags is left out when it is longer, in characters. */
const SMALL_MATERIAL = 500;
/** How many blocks at each end of a long message can be its ask. */
const HEAD_BLOCKS = 2;
const TAIL_BLOCKS = 4;
/** The longest ask that is taken whole out of a long message; of a longer block, only sentences are. */
const LONG_BLOCK = 900;

/** A shorter ask, in letters, would say nothing. */
const FEW_LETTERS = 8;

/** Finds the ask in the text of one message, in linear time. */
export function readMessage(message: string): MessageReading {
  const text = withoutExamples(message.trim());
  const blocks = splitBlocks(text);
  const named = blocks.filter(({ role }) => role === 'ask');
  const chosen =
    named.length > 0
      ? chooseBlocks(lastOfEachName(blocks))
      : chooseBlocks(blocks.filter(({ role, isTagged }) => role !== 'context' || !isTagged));
  const used = new Set(chosen.map(({ block }) => block));
  const others = blocks.filter((block) => !used.has(block));
  const score = Math.max(0, ...chosen.map((choice) => choice.score));
  const ask = chosen.map((choice) => choice.text).join('\n\n');
  const isWhole =
    letters(ask) < FEW_LETTERS || !isWorthCutting({ text, ask, others, isNamed: named.length > 0 });
  const isSure =
    (named.length > 0 && ask !== '') ||
    (isWhole && ask !== '' && text.length <= SHORT_PROSE) ||
    score >= SCORES.question;
  return {
    ask: isWhole ? text : ask,
    asks: isSure ? 'sure' : score >= SCORES.task ? 'maybe' : 'no',
    isWhole,
    material: isWhole && ask !== '' ? [] : others.map(toMaterial),
  };
}

type Cut = {
  readonly text: string;
  readonly ask: string;
  readonly others: readonly Block[];
  readonly isNamed: boolean;
};

/** Whether the ask is so small a part of the text that the rest would hide it. */
function isWorthCutting({ text, ask, others, isNamed }: Cut): boolean {
  if (others.some(({ isTagged }) => isTagged) || (isNamed && others.length === 0)) return true;
  const dropped = text.length - ask.length;
  if (dropped <= SMALL_MATERIAL) return false;
  const isProse = others.every(({ kind, role }) => kind === 'prose' && role === undefined);
  return !isProse || text.length > SHORT_WITH_REFERENCE || !refersToRest(ask);
}

function refersToRest(ask: string): boolean {
  // What it means may stand in it, after a colon.
  return REFERENCE.test(ask) && !/[:：]\s*\S.{12,}/u.test(ask);
}

/** Words by which an ask refers to what stands around it. */
const REFERENCE =
  /\b(?:this|these|those|above|below|following|such|diese[rnms]?|ces?|cette|estos?|estas?|esta)\b/i;

function toMaterial({ kind, language, text }: Block): Material {
  return {
    kind: kind === 'prose' ? 'text' : kind,
    ...(language && { language: language.toLowerCase() }),
    characters: text.length,
  };
}

/** Blocks of one name are examples, of which the last is meant; blocks of different names all count. */
function lastOfEachName(blocks: readonly Block[]): readonly Block[] {
  const last = new Map<string, Block[]>();
  let previous: Block | undefined;
  for (const block of blocks) {
    if (block.role === 'ask') {
      const isSame = previous?.role === 'ask' && previous.name === block.name;
      if (isSame) last.get(block.name)?.push(block);
      else last.set(block.name, [block]);
    }
    previous = block;
  }
  return blocks.filter((block) => block.role === 'ask' && last.get(block.name)?.includes(block));
}

type Choice = { readonly block: Block; readonly text: string; readonly score: number };

const SCORES: Readonly<Record<Sentence, number>> = {
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
function chooseBlocks(blocks: readonly Block[]): readonly Choice[] {
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

const EDGE_SENTENCES = 3;
const EDGE_CHARACTERS = 1_200;
const SENTENCE_END = /\n|(?<=[.!?؟]["»”’')\]]{0,2})\s|(?<=[。！？।][」』]?)/u;

/** The first and the last sentences of a text, trimmed. */
function edgeSentences(text: string): readonly string[] {
  if (text.length > 2 * EDGE_CHARACTERS) {
    return [
      ...sentencesOf(text.slice(0, EDGE_CHARACTERS)).slice(0, EDGE_SENTENCES),
      ...sentencesOf(text.slice(-EDGE_CHARACTERS)).slice(-EDGE_SENTENCES),
    ];
  }
  const all = sentencesOf(text);
  if (all.length <= 2 * EDGE_SENTENCES) return all;
  return [...all.slice(0, EDGE_SENTENCES), ...all.slice(-EDGE_SENTENCES)];
}

export function sentencesOf(text: string): readonly string[] {
  return text
    .split(SENTENCE_END)
    .map((sentence) => sentence.trim())
    .filter(Boolean);
}

function letters(text: string): number {
  return text.slice(0, EDGE_CHARACTERS).match(/[\p{L}\p{M}\p{N}]/gu)?.length ?? 0;
}

/** The script of most letters, as far as it matters here. */
function scriptOf(text: string): 'latin' | 'other' {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  const latin = text.match(/\p{Script=Latin}/gu)?.length ?? 0;
  return latin * 2 >= letters ? 'latin' : 'other';
}
