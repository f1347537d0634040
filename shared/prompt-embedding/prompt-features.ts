/** Words that tell what kind of prompt it is. A prompt's share of them is one feature a list. */
const WORD_LISTS = {
  greeting:
    'hello hi hey hiya howdy morning evening afternoon night thanks thank thx bye goodbye welcome cheers please sorry yes no ok okay yeah yep nope sure great cool awesome nice lol haha',
  everyday:
    'day today tomorrow weekend fun funny joke jokes favorite favourite feel feeling love like happy sad tired bored dinner lunch breakfast recipe cook food pizza coffee tea cat dog dogs cats pet movie movies song songs music weather birthday gift friend friends mom dad family kids party vacation holiday name color colour story poem',
  asking: 'what who whom whose when where why how which can could would should is are do does',
  fact: 'who when where year name named capital city country born first largest played wrote president',
  reasoning:
    'why prove proof derive explain analyze analyse compare evaluate justify assess critique determine deduce infer argue trade-off tradeoffs implications rigorous rigorously optimal optimize optimise',
  making:
    'write create design implement build develop draft generate compose produce summarize summarise translate rewrite convert refactor',
  constraint:
    'must exactly without only least most each every following given assume suppose such between except unless constraint constraints under subject satisfies satisfying',
  mathematics:
    'equation integral derivative matrix theorem lemma function polynomial probability vector integer integers prime triangle angle sum product value solve calculate compute percent ratio frac sqrt equals modulo graph set finite real complex eigenvalue convergence',
  quantity:
    'many much total each more less times half twice cost costs dollars price minutes hours days weeks miles pounds per altogether left remaining',
  code: 'code python java javascript typescript function class return def import sql query api string list array algorithm bug error exception compile regex thread async server database loop assert print docker kubernetes',
  science:
    'energy mass velocity quantum molecule reaction electron protein cell gene enzyme temperature pressure acid compound wavelength thermodynamic equilibrium field frequency species clinical patient diagnosis hypothesis',
  professional:
    'law legal court contract liability statute tax policy market economic financial investment audit risk compliance architecture system systems distributed latency strategy management regression model data analysis statistical theory',
  choice:
    'choice choose option options correct answer true false statement statements letter single',
  secondPerson: 'you your yours yourself u',
  firstPerson: 'i my me mine we our us im',
} as const;

/** A list's share of the words times this is its feature: a fifth of the words is a full 1. */
const SHARE_FACTOR = 5;

const LIST_NAMES = Object.keys(WORD_LISTS);
const LISTS_OF_WORD = indexWords();

/** Lengths (in characters) at the peaks of overlapping triangles on the logarithm of the length. */
const LENGTH_KNOTS = [10, 30, 80, 200, 500, 1200, 3000].map(Math.log);

/** Signs of a prompt's form. None may take more than linear time: prompts come from anybody. */
const PATTERNS: readonly RegExp[] = [
  /```/,
  /\n[ \t]{0,8}(?:[-*•]|\d{1,3}[.)])\s/,
  /(?:^|[\n\s(])[A-Da-d][.)]\s/,
  /_{2,}|\[blank\]/,
  /\\[a-z]+|\$[^$\n]+\$/,
  /[=<>]=|=>|->|\w\([^()\n]{0,80}\)/,
  /https?:\/\//,
  /"[^"\n]{3,}"|“/,
  /\?$/,
  /[.:!]$/,
  /!/,
  /\b(?:step by step|in detail|show your work|be specific)\b/i,
];

const CHARACTER_CLASSES = 7;

/** How many numbers `addPromptFeatures` writes. */
export const FEATURE_COUNT =
  LENGTH_KNOTS.length + LIST_NAMES.length + PATTERNS.length + CHARACTER_CLASSES + 9;

/** Writes the dense features of a prompt to `target` from `offset`, each within [-1, 1]. */
export function addPromptFeatures(
  text: string,
  words: readonly string[],
  target: Float32Array,
  offset: number,
): void {
  const trimmed = text.trim();
  const values = [
    ...lengthFeatures(trimmed.length),
    ...listShares(words),
    ...PATTERNS.map((pattern) => (pattern.test(trimmed) ? 1 : 0)),
    ...characterShares(trimmed),
    ...wordFeatures(words),
    ...structureFeatures(trimmed, words),
  ];
  for (const [index, value] of values.entries()) {
    target[offset + index] = Math.max(-1, Math.min(1, value));
  }
}

function lengthFeatures(length: number): number[] {
  const position = Math.log(Math.max(length, 1));
  return LENGTH_KNOTS.map((knot, index) => {
    const isOutside =
      (index === 0 && position < knot) || (index === LENGTH_KNOTS.length - 1 && position > knot);
    if (isOutside) return 1;
    const neighbour = LENGTH_KNOTS[position < knot ? index - 1 : index + 1] ?? knot + 1;
    return Math.max(0, 1 - Math.abs(position - knot) / Math.abs(neighbour - knot));
  });
}

function indexWords(): ReadonlyMap<string, readonly number[]> {
  const lists = new Map<string, number[]>();
  for (const [index, list] of Object.values(WORD_LISTS).entries()) {
    for (const word of list.split(' ')) {
      lists.set(word, [...(lists.get(word) ?? []), index]);
    }
  }
  return lists;
}

function listShares(words: readonly string[]): number[] {
  const counts = new Array<number>(LIST_NAMES.length).fill(0);
  for (const word of words) {
    for (const list of LISTS_OF_WORD.get(word) ?? []) counts[list] = (counts[list] ?? 0) + 1;
  }
  // The constant keeps one word of a two-word prompt from being half of it.
  return counts.map((count) => (SHARE_FACTOR * count) / (words.length + SHARE_FACTOR));
}

/** Shares of digits, capitals, spaces, line ends, brackets, mathematical signs, non-ASCII. */
function characterShares(text: string): number[] {
  const counts = new Array<number>(CHARACTER_CLASSES).fill(0);
  for (let index = 0; index < text.length; index += 1) {
    const found = characterClass(text.charCodeAt(index));
    if (found !== -1) counts[found] = (counts[found] ?? 0) + 1;
  }
  const [digits, capitals, spaces, lines, brackets, signs, foreign] = counts.map(
    (count) => count / Math.max(text.length, 1),
  );
  return [
    5 * (digits ?? 0),
    5 * (capitals ?? 0),
    3 * (spaces ?? 0),
    10 * (lines ?? 0),
    10 * (brackets ?? 0),
    10 * (signs ?? 0),
    foreign ?? 0,
  ];
}

const CLASS_OF_CODE = Int8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return [/[0-9]/, /[A-Z]/, / /, /\n/, /[()[\]{}]/, /[+\-*/=<>^\\$%|&]/].findIndex((pattern) =>
    pattern.test(character),
  );
});

function characterClass(code: number): number {
  return code < 128 ? (CLASS_OF_CODE[code] ?? -1) : CHARACTER_CLASSES - 1;
}

/** Length and variety of the words. */
function wordFeatures(words: readonly string[]): number[] {
  const count = Math.max(words.length, 1);
  let letters = 0;
  let long = 0;
  let veryLong = 0;
  for (const { length } of words) {
    letters += length;
    if (length >= 8) long += 1;
    if (length >= 12) veryLong += 1;
  }
  const numbers = words.filter((word) => /^\d/.test(word)).length;
  return [
    letters / count / 10,
    (3 * long) / (count + SHARE_FACTOR),
    (8 * veryLong) / (count + SHARE_FACTOR),
    (5 * numbers) / (count + SHARE_FACTOR),
    // Relative to the square root, which a text of any length comes near.
    new Set(words).size / (4 * Math.sqrt(count)) - 0.5,
  ];
}

/** How much text there is, in words, lines and sentences, and how it begins. */
function structureFeatures(text: string, words: readonly string[]): number[] {
  const lines = text.split('\n').length;
  const sentences = Math.max(1, text.match(/[.!?](?:\s|$)/g)?.length ?? 1);
  const first = LISTS_OF_WORD.get(words[0] ?? '') ?? [];
  return [
    Math.log1p(words.length) / 8,
    Math.log1p(lines - 1) / 5,
    words.length / sentences / 40,
    first.includes(LIST_NAMES.indexOf('asking')) ? 1 : 0,
  ];
}
