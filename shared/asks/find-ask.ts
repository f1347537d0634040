import { kindOfSentence, PERSONA } from './ask-words.ts';
import { readDialogue } from './dialogue.ts';
import { isClosing, isFollowUp, saysMore, takesUp } from './follow-up.ts';
import { readJson } from './json-ask.ts';
import { withoutMailFrame } from './mail.ts';
import type { Material } from './material.ts';
import { type MessageReading, readMessage } from './read-message.ts';
import { sentencesOf } from './sentences.ts';

/** A message of any API. */
export type Message = { readonly role: string; readonly content?: unknown };

/** Where the scored text was found. */
export const ASK_PLACES = [
  'message',
  'part of a message',
  'earlier message',
  'conversation',
  'system prompt',
] as const;
export type AskPlace = (typeof ASK_PLACES)[number];

/** The ask of a request: the text to score. */
export type FoundAsk = {
  readonly text: string;
  readonly place: AskPlace;
  /** What stood around the ask in its message. */
  readonly material: readonly Material[];
};

/** How many user messages are looked at, from the newest back. */
const MAX_LOOK_BACK = 24;
/** How much of an answer is compared with the ask after it, in characters. */
const MAX_ANSWER = 2_000;

/**
 * Finds the ask of a conversation: the newest user message that asks, without what is wrapped around it. A
 * message that goes on with an earlier ask has that one's difficulty, so the earlier ask is scored, with
 * the newer one where it says more than a few words. When the user messages are data, the task of the
 * system prompt is the ask. Undefined when no user message has text. Takes linear time.
 */
export function findAsk(messages: readonly Message[]): FoundAsk | undefined {
  const turns = readTurns(messages);
  const [newest] = turns;
  if (newest === undefined) return undefined;
  const asking = turns.filter(({ asks }) => asks !== 'no');
  const task = findTask(messages, asking[0]);
  if (task !== undefined) {
    return { text: task, place: 'system prompt', material: newest.material };
  }
  const { ask, material, isWhole } = asking[0] ?? newest;
  const root = findRoot(asking);
  if (root !== undefined) {
    return { text: saysMore(ask) ? `${root}\n\n${ask}` : root, place: 'conversation', material };
  }
  const isNewest = asking[0] === undefined || asking[0] === newest;
  const place = isWhole ? 'message' : 'part of a message';
  return {
    text: ask,
    place: isNewest ? place : 'earlier message',
    material: isWhole ? [] : material,
  };
}

type Turn = MessageReading & {
  /** The text of the assistant before the message; '' without one. */
  readonly answerBefore: string;
};

/** Returns the turns of the user that have text, the newest first, back to one that needs no earlier one. */
function readTurns(messages: readonly Message[]): readonly Turn[] {
  const turns: Turn[] = [];
  for (const [index, { role, content }] of [...messages.entries()].toReversed()) {
    const text = role === 'user' ? textOf(content).trim() : '';
    if (text === '') continue;
    const before = messages[index - 1];
    const answerBefore =
      before?.role === 'assistant' ? textOf(before.content).slice(0, MAX_ANSWER) : '';
    const read = readText(text).map((reading) => ({ answerBefore, ...reading }));
    turns.push(...read);
    if (turns.length >= MAX_LOOK_BACK || read.some(standsAlone)) break;
  }
  return turns;
}

/** Reads a text: one turn, or all those of a conversation that is written out in it, the newest first. */
function readText(text: string): readonly (MessageReading & Partial<Turn>)[] {
  const json = readJson(text);
  if (json?.messages) return readTurns(json.messages);
  if (json?.ask !== undefined) return [{ ...readMessage(json.ask), asks: 'sure', isWhole: false }];
  const data: Material = { kind: 'data', characters: text.length };
  if (json !== undefined) return [{ ask: text, asks: 'no', isWhole: true, material: [data] }];
  const turns = readDialogue(text)?.asks;
  if (turns === undefined) return [readMessage(withoutMailFrame(text))];
  return turns
    .slice(-MAX_LOOK_BACK)
    .toReversed()
    .map((turn) => ({ ...readMessage(turn), isWhole: false }));
}

/**
 * Returns the ask that the newest one goes on with; undefined when it stands for itself or ends the
 * conversation.
 */
function findRoot(asking: readonly Turn[]): string | undefined {
  const [newest] = asking;
  if (newest === undefined || isClosing(newest.ask) || !goesOn(newest)) return undefined;
  const earlier = asking.slice(1).filter(({ ask }) => !isClosing(ask));
  return (earlier.find((turn) => !goesOn(turn)) ?? earlier.at(-1))?.ask;
}

function standsAlone(turn: Turn): boolean {
  return turn.asks !== 'no' && !goesOn(turn) && !isClosing(turn.ask);
}

function goesOn({ ask, answerBefore }: Turn): boolean {
  return isFollowUp(ask) || takesUp(ask, answerBefore);
}

/** The words by which a system prompt means the user message. */
const INPUT =
  /\b(?:inputs?|message|text|document|passage|article|content|code|snippet|data|users?|following|given|below|eingabe|nachricht|texte?|saisie|entrada|mensaje|mensagem|testo|invoer)\b|ввод|текст|入力|文章|输入|文本|입력|इनपुट/iu;
/** A longer system prompt is a set of rules, of which only the sentences about the input are its task. */
const MAX_TASK = 600;

/** Returns the task that the system prompt sets when the user messages hold nothing that surely asks. */
function findTask(
  messages: readonly Message[],
  asking: MessageReading | undefined,
): string | undefined {
  if (asking?.asks === 'sure') return undefined;
  const system = messages
    .filter(({ role }) => role === 'system' || role === 'developer')
    .map(({ content }) => textOf(content).trim())
    .join('\n\n');
  const sentences = sentencesOf(readMessage(system).ask);
  const tasks = sentences.filter((sentence) => kindOfSentence(sentence) !== 'statement');
  const onInput = tasks.filter((sentence) => INPUT.test(sentence));
  if (onInput.length === 0 && (asking !== undefined || tasks.length === 0)) return undefined;
  if (system.length <= MAX_TASK)
    return sentences.filter((sentence) => !PERSONA.test(sentence)).join(' ');
  return (onInput.length > 0 ? onInput : tasks).join(' ').slice(0, MAX_TASK);
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map(textOfPart).filter(Boolean).join('\n\n');
}

function textOfPart(part: unknown): string {
  const isText = typeof part === 'object' && part !== null && 'text' in part;
  return isText && typeof part.text === 'string' ? part.text : '';
}
