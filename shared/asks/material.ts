/** Material that stands around an ask. */
export type Material = {
  readonly kind: 'code' | 'data' | 'text';
  /** The language that its fence names, in lower case. */
  readonly language?: string | undefined;
  readonly characters: number;
};

/** Only the beginning and the end of a block are looked at, since the rest is like them. */
const LOOK_AT = 2_000;

const CODE_LINE =
  /^\s*(?:[})\]]+[;,)]*$|(?:import|from|export|const|let|var|def|class|function|fn|pub|public|private|protected|static|return|if|else|for|while|switch|case|try|catch|package|using|namespace|struct|enum|interface|type|async|await|end|elif|func|fun|val|impl|use|require|module|select|insert|update|create|alter|#include|@\w+|\/\/|\/\*|\*\/|--|<\?php)\b.*[(){};=:,>\]]|.*[;{}]\s*$|.*\)\s*(?:=>|->|\{)\s*$|\s{2,}[\w.$]+\s*(?:=|\+=|\()|\s*[\w.]+\(.*\)\s*;?$)/;

/** Formulas in LaTeX belong to the ask. */
const FORMULA = /\\[a-zA-Z]{2,}\s?[{_^\\(]/;

/** A line of a log, a path, a row of a table, or a field. */
const DATA_LINE =
  /^\s*(?:\[?\d{1,4}[-:/.]\d{1,2}[-:/.]\d{1,4}.*|[\w.-]+(?:\/[\w.-]+)+\/?|\[?(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL)\b.*|\|.*\||(?:[^,\t;]{0,60}[,\t;](?! )){3,}[^,\t;]{0,60}|at\s+\S+\(.*\)|["'{[].*["'}\],]|>+\s.*|diff --git .*|@@ .*|\d+(?:[.,]\d+)*(?:\s+\d+(?:[.,]\d+)*){2,})$/;

/**
 * Tells prose from the lines of a program, and from those of a log, a list of paths, a table, a diff or
 * quoted mail.
 */
export function kindOfText(text: string): 'prose' | 'code' | 'data' {
  const shown = sample(text);
  if (!/[\p{L}\p{N}]/u.test(shown)) return 'code';
  if (FORMULA.test(shown)) return 'prose';
  const lines = shown
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.slice(0, 200));
  if (isCode(lines)) return 'code';
  const data = lines.filter((line) => DATA_LINE.test(line)).length;
  return data >= 3 && data / lines.length > 0.6 ? 'data' : 'prose';
}

function isCode(lines: readonly string[]): boolean {
  const [only = ''] = lines;
  if (lines.length === 1) return /[{};]\s*$/.test(only) && /[=({]/.test(only);
  const code = lines.filter((line) => CODE_LINE.test(line)).length;
  return code >= 2 && code / lines.length > 0.5;
}

function sample(text: string): string {
  if (text.length <= 2 * LOOK_AT) return text;
  return `${text.slice(0, LOOK_AT)}\n${text.slice(-LOOK_AT)}`;
}
