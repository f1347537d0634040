import type { ChatMessage } from './chat-request.ts';

const REMINDER_START = '<system-reminder>';
const REMINDER_END = '</system-reminder>';

/**
 * The text to score: the newest user message that has text. A human asks neither tool results nor assistant
 * turns, nor the reminders that coding agents put into user messages.
 */
export function findNewestAsk(messages: readonly ChatMessage[]): string | undefined {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    if (message?.role !== 'user') continue;
    const text = withoutReminders(textOf(message.content)).trim();
    if (text !== '') return text;
  }
  return undefined;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map(textOfPart).filter(Boolean).join('\n');
}

function textOfPart(part: unknown): string {
  const isText = typeof part === 'object' && part !== null && 'text' in part;
  return isText && typeof part.text === 'string' ? part.text : '';
}

/** Searches for the tags, since a pattern would take quadratic time on unclosed reminders. */
function withoutReminders(text: string): string {
  let kept = '';
  let from = 0;
  for (;;) {
    const start = text.indexOf(REMINDER_START, from);
    const end = start === -1 ? -1 : text.indexOf(REMINDER_END, start);
    if (end === -1) return kept + text.slice(from);
    kept += text.slice(from, start);
    from = end + REMINDER_END.length;
  }
}
