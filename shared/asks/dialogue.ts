import { roleOfName, words } from './ask-words.ts';

/** A dialogue that is written out in one text. */
export type Dialogue = {
  /** The turns of those who ask, the oldest first. */
  readonly asks: readonly string[];
};

type Turn = { readonly speaker: string; readonly lines: string[] };

const TURN =
  /^\s{0,4}(?:\*\*|\[)?([\p{L}][\p{L}\p{M}\p{N} _-]{0,24})(?:\*\*|\])?\s?[:：](?:\*\*)?(?:\s|$)/u;
const ANSWERERS = words(`
  a ai answer answerer agent assistant bot chatbot claude copilot gpt chatgpt gemini model operator output reply
  response support system antwort assistent réponse respuesta asistente risposta assistente resposta ответ ассистент
  回答 助手 アシスタント 助理 답변 उत्तर सहायक مساعد
`);
const MAX_SPEAKERS = 4;
const MIN_TURNS = 3;
/** Lines before the first turn that may introduce the dialogue. */
const MAX_LEAD_LINES = 3;
const MAX_LEAD = 1_000;
const MAX_CHARACTERS = 64_000;

/**
 * Reads a text that is a dialogue as a whole: turns of few speakers, one of whom answers. The answerer has a name
 * for one, or the last turn, which is empty. Undefined for any other text.
 */
export function readDialogue(text: string): Dialogue | undefined {
  // Its first lines tell whether it is one; of a long one, the last turns are read.
  if (splitTurns(text.slice(0, MAX_LEAD), MAX_LEAD_LINES).length === 0) return undefined;
  const turns = splitTurns(text.slice(-MAX_CHARACTERS), Number.POSITIVE_INFINITY);
  const last = turns.at(-1);
  if (last === undefined || turns.length < MIN_TURNS) return undefined;
  const speakers = [...new Set(turns.map(({ speaker }) => speaker))];
  if (speakers.length < 2 || speakers.length > MAX_SPEAKERS) return undefined;
  const answerer = textOf(last) === '' ? last.speaker : speakers.find((one) => ANSWERERS.has(one));
  const askers = speakers.filter((one) => one !== answerer);
  if (answerer === undefined || askers.some((one) => roleOfName(one) === 'context'))
    return undefined;
  const asks = turns
    .filter(({ speaker }) => speaker !== answerer)
    .map(textOf)
    .filter((ask) => ask !== '');
  // One question and its answer are a label each, and no dialogue; nor is a list of different labels.
  return asks.length < 2 * askers.length ? undefined : { asks };
}

/** Splits a text into turns, or into none when more lines stand before the first. */
function splitTurns(text: string, maxLead: number): readonly Turn[] {
  const turns: Turn[] = [];
  let leadLines = 0;
  for (const line of text.split('\n')) {
    const [label, name] = TURN.exec(line.slice(0, 64)) ?? [];
    const turn = turns.at(-1);
    if (label !== undefined && name !== undefined) {
      turns.push({ speaker: name.toLowerCase().trim(), lines: [line.slice(label.length)] });
    } else if (turn !== undefined) {
      turn.lines.push(line);
    } else if (line.trim() !== '') {
      leadLines += 1;
      if (leadLines > maxLead) break;
    }
  }
  return turns;
}

function textOf({ lines }: Turn): string {
  return lines.join('\n').trim();
}
