import { isGreeting, kindOfSentence, words } from './ask-words.ts';

const CONTINUATIONS = words(`
  actually again also alternatively and but carry continue else extend further go instead keep longer maybe more
  next no nope not now ok okay only or proceed redo retry same shorter so still sure then though tried try what's
  wait yeah yep yes
  aber also auch dann doch ja jedoch jetzt kürzer länger mach mehr nein noch nochmal nun oder trotzdem und weiter
  alors aussi continue d'accord encore et mais maintenant non oui ou plus sinon toujours
  además ahora aún continúa entonces o pero sí sigue también todavía y
  agora ainda continua então mas também sim não e
  ancora anche adesso allora continua ma però sì
  en maar nee nog nu ook verder
  a ale dalej i jeszcze nie tak teraz
  а да ещё и но нет опять теперь тогда всё ж
  та так ні ще тепер але
  ve ama evet hayır şimdi peki
  och men nej nu mer
  dan tapi ya tidak sekarang lagi lalu
  और अब लेकिन हाँ नहीं फिर
  و لكن نعم لا الآن
`);
/** Verbs that change what is there. */
const EDITS = words(
  'add append change drop extend include insert make remove rename replace shorten lengthen simplify',
);
/** Words that point back. */
const POINTERS = words(`
  above again earlier former it its last latter one ones previous same second that the them these they third this those
  das davon dem den der die dies diese diesen es ihn letzte letzten sie
  ça ce ceci cela celle celui cette il le la les dernier dernière
  eso esta este esto lo el aquello último última
  isso isto ele ela o último questo quello lo
  это этот эта эти он она их последний
  यह वह इसे उसे ये वे
`);
const STRONG_POINTERS = words(
  'it them these those they one ones same else es das ça cela eso esto isso isto questo это',
);
/** Prepositions that begin what is only a part of a sentence. */
const PREPOSITIONS = words(
  'about as at by for from in like on using with without auf für in mit ohne avec dans en pour sans con en para sin',
);
/** Openings of scripts that are written without spaces, or with endings. */
const OPENING =
  /^(?:それ|では|じゃ|でも|もっと|続け|なぜ|どうして|他に|那|还|還|继续|繼續|再|但|为什么|為什麼|更|好的|그럼|그리고|그런데|계속|더|왜|아직)/u;

const THANKS = words(`
  thanks thank thx ty bye goodbye cheers cya farewell
  danke dankeschön tschüss tschüs ciao merci au-revoir gracias adiós obrigado obrigada tchau grazie arrivederci dank
  bedankt dankjewel doei dziękuję dzięki спасибо благодарю пока дякую děkuji díky teşekkürler teşekkür sağol tack
  hejdå terima makasih धन्यवाद शुक्रिया شكرا شكراً 감사 고마워 감사합니다 고마워요
`);
const THANKS_OPENING =
  /^(?:ありがと|どうも|さようなら|助かりました|谢谢|謝謝|多谢|再见|再見|感谢|감사|고마)/u;
const OBJECTIONS = words(
  'but however still though except not no aber noch nicht mais pas pero no mas não ma non но не',
);

/** Words, or characters of a script without spaces, up to which an ask can be a follow-up. */
const MAX_WORDS = 12;
const MAX_UNSPACED = 24;
const MAX_CHARACTERS = 160;
const FEW = 5;

/** Whether a message only ends a conversation, such as thanks and goodbyes. */
export function isClosing(text: string): boolean {
  if (text.length > 120 || /[?？]/.test(text)) return false;
  if (THANKS_OPENING.test(text)) return text.length <= MAX_UNSPACED;
  const found = wordsOf(text);
  if (found.length > MAX_WORDS || found.some((word) => OBJECTIONS.has(word))) return false;
  return found.some((word) => THANKS.has(word));
}

/** Whether an ask is understood only with what was asked before it. */
export function isFollowUp(text: string): boolean {
  if (text.includes('\n\n') || text.length > MAX_CHARACTERS) return false;
  if (OPENING.test(text)) return text.length <= MAX_UNSPACED;
  const all = wordsOf(text);
  const found = all.slice(
    Math.max(
      0,
      all.findIndex((word) => !THANKS.has(word)),
    ),
  );
  if (found.length === 0) return text.length <= FEW;
  if (found.length > MAX_WORDS || isUnspaced(text) || SUBJECT_WITHIN.test(text)) return false;
  const [first = ''] = found;
  if (CONTINUATIONS.has(first)) return true;
  return (
    !found.every(isGreeting) &&
    (found.some((word) => STRONG_POINTERS.has(word)) || isFragment(text, found))
  );
}

/** What an ask is about stands in it, after a colon or in quotation marks. */
const SUBJECT_WITHIN = /[:：]\s*\S.{12,}|["“„«「].{12,}/u;

/** Whether an ask of few words changes what is there, names no subject, or is only a part of a sentence. */
function isFragment(text: string, found: readonly string[]): boolean {
  const [first = ''] = found;
  if (found.length > FEW + 1 || hasName(text)) return found.length <= 2 && !/\d/.test(text);
  if (EDITS.has(first) || found.length <= 2) return true;
  if (found.length > FEW) return false;
  const isPart = kindOfSentence(text) === 'statement' || PREPOSITIONS.has(first);
  return isPart || found.slice(1).some((word) => POINTERS.has(word));
}

/** A longer ask, in words, stands for itself even where it takes up words of the answer. */
const MAX_WORDS_TAKING_UP = 20;
const LONG_WORD = 7;
const SHORTEST_WORD = 5;

/** Whether an ask takes up words of the answer before it: a long one, or two shorter ones. */
export function takesUp(ask: string, answer: string): boolean {
  if (answer === '') return false;
  const own = wordsOf(ask);
  if (own.length > MAX_WORDS_TAKING_UP) return false;
  const said = new Set(wordsOf(answer));
  const shared = [...new Set(own)].filter(
    (word) => word.length >= SHORTEST_WORD && said.has(word) && !isCommon(word),
  );
  return shared.length >= 2 || shared.some((word) => word.length >= LONG_WORD);
}

const COMMON = words(
  'about after again answer because before could doing every first maybe other please question really right should something thanks their there these thing things think those though tried where which while would write',
);

function isCommon(word: string): boolean {
  return COMMON.has(word) || isGreeting(word);
}

/** Whether a follow-up says enough to add to what it follows. */
export function saysMore(ask: string): boolean {
  return wordsOf(ask).length > FEW && kindOfSentence(ask) !== 'statement';
}

/** A name or a number is a topic of its own. */
function hasName(text: string): boolean {
  return /\d|\s\p{Lu}\p{Ll}+/u.test(text);
}

function isUnspaced(text: string): boolean {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text);
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu) ?? [];
}
