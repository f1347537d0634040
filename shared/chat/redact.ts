/** Longer texts are cut: a table's column holds 32,768 characters. */
const MAX_LENGTH = 16_000;

type Rule = readonly [pattern: RegExp, replacement: string | ((found: string) => string)];

/**
 * The patterns in their order. Each takes time in proportion to the text. They find texts of a certain shape;
 * names and stories have none, and stay.
 */
const RULES: readonly Rule[] = [
  [/-----BEGIN [A-Z ]{0,40}-----[\w+/=\s]{0,20000}(?:-----END [A-Z ]{0,40}-----)?/g, '[secret]'],
  [/\b(?:bearer|basic)\s{1,4}[\w+/=.~-]{8,8192}/gi, '[secret]'],
  // `password: hunter2`, `AccountKey=...`, `"api_key": "..."`, `?sig=...`.
  [
    /((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|accountkey|sharedaccesskey|\bsig)["']?\s{0,4}[=:]\s{0,4}["']?)[^\s"'&;,]{1,8192}/gi,
    '$1[secret]',
  ],
  // JSON web tokens, and the keys of well-known services.
  [/\beyJ[\w-]{8,8192}(?:\.[\w-]{1,8192}){0,4}/g, '[secret]'],
  [/\b(?:sk|pk|rk|gh[opsu]|xox[abprs]|glpat|AKIA|ASIA|AIza)[-_A-Za-z0-9]{12,512}/g, '[secret]'],
  [/[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g, '[email]'],
  [/(https?:\/\/[^\s?#"'<>]{1,2048})[?#][^\s"'<>]{1,4096}/g, '$1?[query]'],
  [/[A-Za-z0-9+/_=-]{32,8192}/g, (found) => (isRandom(found) ? '[secret]' : found)],
  [/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '[address]'],
  [/\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g, '[number]'],
  // Telephone, card and identity numbers have seven digits or more, also in groups.
  [/\+?\(?\d(?:[\s().\-/]{0,2}\d){6,30}/g, '[number]'],
];

/** A mixture of letters and digits, which no word of any language is. */
function isRandom(text: string): boolean {
  return /[A-Za-z]/.test(text) && /\d/.test(text);
}

/**
 * Redacts a text that the operator wants kept: it loses whatever looks like a credential, an address or a
 * person's number, and is cut to 16,000 characters. docs/observability.md has the rule.
 */
export function redactText(text: string): string {
  let redacted = text.slice(0, MAX_LENGTH);
  for (const [pattern, replacement] of RULES) {
    redacted =
      typeof replacement === 'string'
        ? redacted.replace(pattern, replacement)
        : redacted.replace(pattern, replacement);
  }
  return redacted;
}
