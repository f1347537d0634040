/** The ASCII characters that are counted; all others are not. */
const ASCII_CLASSES = {
  digits: '0123456789',
  capitals: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  spaces: ' ',
  lineEnds: '\n',
  brackets: '()[]{}',
  signs: '+-*/=<>^\\$%|&',
} as const;

/** Ranges of UTF-16 units: the first is included, the second is not. */
const SCRIPTS = {
  latinBeyondAscii: [0x80, 0x250],
  cyrillic: [0x400, 0x530],
  hebrewAndArabic: [0x590, 0x780],
  indic: [0x900, 0xe00],
  chineseAndJapanese: [0x2e80, 0xa000],
  hangul: [0xac00, 0xd7b0],
} as const;

type AsciiClass = keyof typeof ASCII_CLASSES;
type Script = keyof typeof SCRIPTS;
/** `beyondAscii` includes the scripts. */
export type CharacterCounts = Readonly<Record<AsciiClass | Script | 'beyondAscii', number>>;

const ASCII_NAMES = Object.keys(ASCII_CLASSES) as readonly AsciiClass[];
export const SCRIPT_NAMES = Object.keys(SCRIPTS) as readonly Script[];

const NOT_COUNTED = 0;
const OTHER_SCRIPT = 1;
/** The names of the classes; a class's number is its position. */
const NAMES = ['notCounted', 'otherScript', ...ASCII_NAMES, ...SCRIPT_NAMES] as const;
const CLASS_OF_UNIT = classifyUnits();

function classifyUnits(): Uint8Array {
  const classes = new Uint8Array(0x1_0000).fill(OTHER_SCRIPT).fill(NOT_COUNTED, 0, 0x80);
  for (const name of ASCII_NAMES) {
    for (const character of ASCII_CLASSES[name]) {
      classes[character.charCodeAt(0)] = NAMES.indexOf(name);
    }
  }
  for (const name of SCRIPT_NAMES) classes.fill(NAMES.indexOf(name), ...SCRIPTS[name]);
  return classes;
}

/** Counts the UTF-16 units of a text by class. */
export function countCharacters(text: string): CharacterCounts {
  const counts = new Uint32Array(NAMES.length);
  for (let index = 0; index < text.length; index += 1) {
    const found = CLASS_OF_UNIT[text.charCodeAt(index)] ?? NOT_COUNTED;
    counts[found] = (counts[found] ?? 0) + 1;
  }
  const byName = Object.fromEntries(NAMES.map((name, index) => [name, counts[index] ?? 0]));
  const scripts = SCRIPT_NAMES.reduce((sum, name) => sum + (byName[name] ?? 0), 0);
  // `NAMES` has every name of the type.
  return { ...byName, beyondAscii: scripts + (byName['otherScript'] ?? 0) } as CharacterCounts;
}
