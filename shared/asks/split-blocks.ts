import { type Role, roleOfName } from './ask-words.ts';
import { kindOfText } from './material.ts';

/** A paragraph of prose, or a piece of material, in the order of the message. */
export type Block = {
  readonly text: string;
  readonly kind: 'prose' | 'code' | 'data';
  /** The role that a tag, heading or label gives to the block; undefined when nothing introduces it. */
  readonly role: Role | undefined;
  /** What gave the role, in lower case: blocks of one name are examples of one thing. */
  readonly name: string;
  /** Whether the block stands inside a tag, which marks its end; a label leaves open where its part ends. */
  readonly isTagged: boolean;
  /** The language that a fence names. */
  readonly language?: string | undefined;
};

type Section = Pick<Block, 'role' | 'name' | 'isTagged'>;

/** The depth to which tags inside tags are split; deeper ones stay text. */
const MAX_DEPTH = 4;
const NO_SECTION: Section = { role: undefined, name: '', isTagged: false };

/** Splits a text into its blocks, in linear time. */
export function splitBlocks(text: string, outer: Section = NO_SECTION, depth = 0): Block[] {
  const blocks: Block[] = [];
  let section = outer;
  for (const piece of splitPieces(text, depth)) {
    if (piece.type === 'text') {
      section = addText(piece.text, section, blocks);
    } else if (piece.type === 'element') {
      const inner = sectionOf(piece, section);
      // Nothing in it can be the ask, whatever it is made of.
      if (inner.role === 'context')
        blocks.push({ ...inner, text: piece.text, kind: kindOfText(piece.text) });
      else blocks.push(...splitBlocks(piece.text, inner, depth + 1));
    } else if (piece.text.trim() !== '') {
      const { text: code, language } = piece;
      const { role = 'context', name, isTagged } = section;
      blocks.push({ text: code, kind: 'code', role, name, isTagged, language });
    }
  }
  return blocks;
}

/** What lies in context is context, whatever its own tag says: documents have their questions. */
function sectionOf({ name }: Piece, { role, isTagged }: Section): Section {
  const isInContext = isTagged && role === 'context';
  return { role: isInContext ? role : (roleOfName(name) ?? role), name, isTagged: true };
}

type Piece = {
  readonly type: 'text' | 'element' | 'fence';
  readonly text: string;
  /** The name of an element; '' for the others. */
  readonly name: string;
  /** The language that a fence names. */
  readonly language?: string | undefined;
};

const FENCE = /^[ \t]{0,3}(`{3,}|~{3,}|"{3}|'{3})[ \t]*([\w+#.-]*)[^\n`]*$/gm;

/** Splits a text into elements, fenced code outside them, and the text between. */
function splitPieces(text: string, depth: number): Piece[] {
  const fences = findFences(text);
  const elements = depth < MAX_DEPTH ? findElements(text, fences) : [];
  const spans: (Span & Pick<Piece, 'type' | 'name' | 'language'>)[] = [
    ...elements.map((element) => ({ ...element, type: 'element' as const })),
    ...outside(fences, elements).map((fence) => ({ ...fence, type: 'fence' as const, name: '' })),
  ];
  const pieces: Piece[] = [];
  let from = 0;
  for (const { start, innerStart, innerEnd, end, ...span } of spans.sort(
    (a, b) => a.start - b.start,
  )) {
    pieces.push({ type: 'text', text: text.slice(from, start), name: '' });
    pieces.push({ ...span, text: text.slice(innerStart, innerEnd) });
    from = end;
  }
  pieces.push({ type: 'text', text: text.slice(from), name: '' });
  return pieces;
}

type Span = {
  readonly start: number;
  readonly innerStart: number;
  readonly innerEnd: number;
  readonly end: number;
};
type Fence = Span & { readonly language: string | undefined };

/** Finds fenced code. A fence that is never closed runs to the end, as in Markdown. */
function findFences(text: string): Fence[] {
  const fences: Fence[] = [];
  let open:
    | { mark: string; start: number; innerStart: number; language: string | undefined }
    | undefined;
  for (const { 0: line, 1: mark = '', 2: language = '', index: start } of text.matchAll(FENCE)) {
    const end = start + line.length;
    if (open === undefined) {
      open = { mark, start, innerStart: end, language: language.toLowerCase() || undefined };
    } else if (mark.startsWith(open.mark) && language === '') {
      fences.push({ ...open, innerEnd: start, end });
      open = undefined;
    }
  }
  if (open !== undefined) fences.push({ ...open, innerEnd: text.length, end: text.length });
  return fences;
}

const TAG = /<(\/?)([A-Za-z][\w.:-]{0,60})(?:\s[^<>\n]{0,300})?>/g;

/**
 * Finds the outermost elements whose tags match. A tag without its counterpart is text, such as a generic
 * type, and so are tags in fenced code.
 */
function findElements(
  text: string,
  fences: readonly Fence[],
): (Span & { readonly name: string })[] {
  const open: { name: string; start: number; innerStart: number }[] = [];
  /** The positions in `open` of the tags of each name. */
  const byName = new Map<string, number[]>();
  const found: (Span & { readonly name: string })[] = [];
  for (const { tag, slash, name, start } of outside(findTags(text), fences)) {
    const end = start + tag.length;
    const ofName = byName.get(name) ?? [];
    if (slash === '') {
      byName.set(name, ofName);
      ofName.push(open.length);
      open.push({ name, start, innerStart: end });
      continue;
    }
    const [opened, ...inner] = open.splice(ofName.at(-1) ?? open.length);
    if (opened === undefined) continue;
    for (const one of [opened, ...inner]) byName.get(one.name)?.pop();
    while ((found.at(-1)?.start ?? -1) > opened.start) found.pop();
    found.push({ ...opened, innerEnd: start, end });
  }
  return found;
}

function findTags(text: string) {
  return Array.from(text.matchAll(TAG), ({ 0: tag, 1: slash, 2: name = '', index: start }) => {
    return { tag, slash, name, start };
  });
}

/** Returns the tags or spans that begin in none of some spans; both are in the order of the text. */
function outside<T extends { readonly start: number }>(
  all: readonly T[],
  spans: readonly Span[],
): T[] {
  let next = 0;
  return all.filter(({ start }) => {
    while ((spans[next]?.end ?? Number.POSITIVE_INFINITY) <= start) next += 1;
    return start < (spans[next]?.start ?? Number.POSITIVE_INFINITY);
  });
}

/** An underline of a heading, as in `TASK` over `====`. */
const UNDERLINE = /^[=\-~*_]{3,}$/;
/** Headings in the marks of Markdown, in brackets, or between rules. */
const HEADING =
  /^(?:#{1,6}\s+([^#]+?)\s*#*|\*\*([^*]+)\*\*|__([^_]+)__|\[{1,2}([^\]]+)\]{1,2}|={2,}\s*([^=]+?)\s*={2,}|-{2,}\s*([^-]+?)\s*-{2,})\s*[:：]?$/u;
/** A label with its colon, which a space follows unless the script has none. */
const LABEL =
  /^(?:\*\*|__|#{1,6}\s+)?([\p{L}][\p{L}\p{M}\p{N}' ’_-]{0,48}?)(?:\*\*|__)?\s*(?:[:](?:\*\*|__)?(?:\s+|$)|：)/u;
const MAX_HEADING = 80;
/** A paragraph up to this length, in characters, that begins with its label is the whole of its part. */
const SHORT_PART = 160;

/** How much of a long text is split at each end, in characters. */
const SPLIT_AT_ENDS = 16_000;

/** Adds the blocks of a text. Of a very long one, the middle is one block of context. */
function addText(text: string, section: Section, blocks: Block[]): Section {
  if (text.length <= 3 * SPLIT_AT_ENDS) return addParagraphs(text, section, blocks);
  const begun = addParagraphs(text.slice(0, SPLIT_AT_ENDS), section, blocks);
  const middle = text.slice(SPLIT_AT_ENDS, -SPLIT_AT_ENDS);
  blocks.push({ ...begun, role: 'context', text: middle, kind: kindOfText(middle) });
  return addParagraphs(text.slice(-SPLIT_AT_ENDS), begun, blocks);
}

/** Adds the paragraphs of a text, and returns the section that its last label opened. */
function addParagraphs(text: string, outer: Section, blocks: Block[]): Section {
  const isFixed = outer.isTagged && outer.role === 'context';
  let section = outer;
  let isInline = false;
  let lines: string[] = [];
  const flush = (): void => {
    const paragraph = lines.join('\n').trim();
    lines = [];
    if (paragraph === '') return;
    blocks.push({ ...section, text: paragraph, kind: kindOfText(paragraph) });
    if (isInline && paragraph.length <= SHORT_PART) section = outer;
    isInline = false;
  };
  const all = text.split('\n').map((line) => line.trimEnd());
  for (const [index, line] of all.entries()) {
    const label = readLine(line.trim(), all[index + 1]);
    if (label === undefined) {
      lines.push(line);
      continue;
    }
    flush();
    if (label === 'break') continue;
    const { role, name, rest } = label;
    if (!isFixed) section = { ...outer, role, name };
    isInline = rest !== '';
    if (isInline) lines.push(rest);
  }
  flush();
  return section;
}

/** Reads a line: a label, a break between paragraphs, or neither. */
function readLine(line: string, next: string | undefined): Label | 'break' | undefined {
  if (line === '' || UNDERLINE.test(line)) return 'break';
  return readLabel(line, UNDERLINE.test(next?.trim() ?? ''));
}

type Label = { readonly role: Role | undefined; readonly name: string; readonly rest: string };

/**
 * Reads a heading, which stands alone on its line, or a label, after which its text goes on. A label must have a
 * known role, since much else stands before a colon.
 */
function readLabel(line: string, isUnderlined: boolean): Label | undefined {
  if (line.length <= MAX_HEADING) {
    const heading = isUnderlined ? line : HEADING.exec(line)?.slice(1).find(Boolean);
    if (heading !== undefined) {
      return { role: roleOfName(heading), name: heading.toLowerCase(), rest: '' };
    }
  }
  const [label, name] = LABEL.exec(line.slice(0, MAX_HEADING)) ?? [];
  if (label === undefined || name === undefined) return undefined;
  const role = roleOfName(name);
  if (role === undefined) return undefined;
  return {
    role,
    name: name.toLowerCase().replace(/\d+/g, '').trim(),
    rest: line.slice(label.length).trim(),
  };
}
