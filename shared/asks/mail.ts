const HEADER =
  /^(?:from|to|cc|bcc|date|sent|subject|reply-to|von|an|datum|gesendet|betreff|de|à|envoyé|objet|para|fecha|enviado|asunto|assunto|da|oggetto|van|aan|onderwerp):\s/i;
const SUBJECT =
  /^(?:subject|betreff|objet|asunto|assunto|oggetto|onderwerp):\s*(?:(?:re|aw|fwd?|tr|sv):\s*)*/i;
/** A quoted line, or the one that announces a quotation. */
const QUOTED = /^\s*>|^(?:on|am|le|el) .{5,80}(?:wrote|schrieb|a écrit|escribió)\s*:$/i;
/** The lines at the beginning among which the headers are. */
const HEADER_LINES = 10;

/** A shorter body, in characters, leaves the word to the subject. */
const SHORT_BODY = 20;

/** Returns the own words of a mail: its body without headers, quotations and signature, or else its subject. */
export function withoutMailFrame(text: string): string {
  const start = text.slice(0, 1_000).split('\n').slice(0, HEADER_LINES);
  const headers = start.filter((line) => HEADER.test(line));
  if (headers.length < 2) return text;
  const lines = text.split('\n');
  const signature = lines.findIndex((line) => line === '-- ' || line === '--');
  const body = lines
    .slice(0, signature === -1 ? undefined : signature)
    .filter((line, index) => !QUOTED.test(line) && !(index < HEADER_LINES && HEADER.test(line)))
    .join('\n')
    .trim();
  const subject = headers.find((line) => SUBJECT.test(line))?.replace(SUBJECT, '');
  return body.length < SHORT_BODY ? `${subject ?? ''}\n\n${body}` : body;
}
