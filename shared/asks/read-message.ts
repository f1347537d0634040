import { withoutExamples } from '../prompt-embedding/prompt-words.ts';
import { chooseBlocks, SCORES, SHORT_PROSE } from './choose-blocks.ts';
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

/** A text up to this length, in characters, stays whole when its ask refers to the rest of it. */
const SHORT_WITH_REFERENCE = 3_000;
/** Material in a text without tags is left out when it is longer, in characters. */
const SMALL_MATERIAL = 500;

/** A shorter ask, in letters, would say nothing. */
const FEW_LETTERS = 8;
/** The characters in which letters are counted. */
const COUNTED = 1_000;

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

function letters(text: string): number {
  return text.slice(0, COUNTED).match(/[\p{L}\p{M}\p{N}]/gu)?.length ?? 0;
}
