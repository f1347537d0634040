import { findListsByStem, LIST_NAMES } from '../prompt-embedding/word-lists.ts';

/** The part that a tag, a heading or a label gives to the text that it introduces. */
export type Role = 'ask' | 'context';

/*
 * The words that name a part of a message, as tags, headings and labels use them. They are common nouns of the
 * largest languages, since an application invents its own names but hardly its own nouns.
 */
const ASK_NAMES = words(`
  ask asks assignment command goal human instruction instructions issue objective problem prompt query question
  questions request requests task tasks todo user
  anfrage anweisung aufgabe auftrag frage consigne demande instruction tâche consulta instrucción instrucciones
  pedido petición pregunta solicitud tarea instrução pedido pergunta solicitação compito domanda istruzione richiesta
  opdracht vraag polecenie pytanie zadanie запрос вопрос задание задача питання завдання otázka úkol görev soru
  fråga uppgift permintaan pertanyaan tugas प्रश्न सवाल कार्य سؤال طلب مهمة 질문 요청 과제 質問 依頼 課題 问题 任务 请求 問題
`);
const CONTEXT_NAMES = words(`
  about ai answer answers article articles assistant attachment attachments background before content contents context
  conversation data date details diagnostics doc docs document documentation documents editor email env environment
  evidence example examples excerpt excerpts extract extracts facts file files folder format guideline guidelines
  guide history info information input inputs item knowledge log logs material materials memory message messages
  metadata note notes open opened output outputs page passage passages persona policy preamble preface project
  reference references reminder reply response result results retrieved role rule rules schema search selection
  setup snippet snippets source sources state stats status summary system tab tabs text thinking thought thread
  time tool tools transcript workspace
  anhang antwort artikel ausgabe auszug dokument dokumente eingabe hintergrund kontext quelle quellen regeln rolle
  text contexte données entrée extrait extraits pièce règles réponse rôle sortie contexto datos documento documentos
  entrada extracto fuente fuentes reglas respuesta rol salida dados fonte fontes regras resposta saída contesto
  documenti estratto fonti regole risposta ruolo bron bronnen antwoord kontekst odpowiedź źródło źródła контекст
  документ документы источник источники ответ правила bağlam belge kaynak yanıt källa svar konteks dokumen sumber
  jawaban संदर्भ उत्तर स्रोत سياق مستند مصدر إجابة 문맥 문서 자료 답변 文脈 資料 文書 回答 答え 上下文 文档 资料 背景 答案
`);

/** Words by which a label refers to context instead of introducing it, such as `With the sources above:`. */
const REFERRING = words(
  'above according based from given using with anhand mit avec selon con según com segundo',
);

const MAX_NAME = 4;

/**
 * Returns the role that a name of a few words gives. The last word that is known decides, since it is the noun:
 * a `user_query` asks, a `query_context` does not.
 */
export function roleOfName(name: string): Role | undefined {
  const parts = name
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .match(/[\p{L}\p{M}]+/gu);
  if (parts === null) return undefined;
  const refers = parts.length > 2 && parts.some((part) => REFERRING.has(part));
  if (refers && parts.some((part) => CONTEXT_NAMES.has(part))) return 'ask';
  // A longer name is a sentence, whose nouns say nothing of what follows.
  if (parts.length > MAX_NAME) return undefined;
  for (const part of parts.toReversed()) {
    if (ASK_NAMES.has(part)) return 'ask';
    if (CONTEXT_NAMES.has(part)) return 'context';
  }
  return undefined;
}

/** The lists of the embedder whose words begin a task in 19 languages. */
const TASK_LISTS = new Set(
  ['asking', 'reasoning', 'making', 'translating', 'easyTask'].map((name) =>
    LIST_NAMES.indexOf(name),
  ),
);
const GREETING_LIST = LIST_NAMES.indexOf('greeting');

/** More verbs that begin a task. */
const TASK_VERBS = words(`
  account add adapt address advise apply arrange ask balance break brainstorm bound calculate categorize check choose
  classify clean code combine complete compute conclude consider construct continue correct count debug decide decode
  define demonstrate describe diagnose discuss distinguish divide draw edit elaborate eliminate establish estimate
  examine exhibit expand express extend factor fill find fix formalise formalize formulate generalise generalize give
  guess help identify illustrate imagine implement improve integrate interpret investigate judge label lay locate map
  match measure merge minimise minimize model modify name negotiate optimise optimize order outline paraphrase pick
  plan plot point polish port predict prepare present prioritise prioritize propose prune put rank rate recommend
  reconstruct reduce remove rename replace report reproduce research resolve review round route schedule set show
  simplify simulate sketch solve speed split state suggest survey tell test think trace transform tune turn type
  unify update verify weigh work
  prüfe prüfen leite zeige finde nenne löse bestimme beschreibe gib mach mache démontrez montrez trouvez concevez
  donne donne-moi donnez montre trouve calcule calculez demuestra demuestre halla encuentra dame da calcula explica
  mostre encontre calcule dimostra trova calcola
`);

/** Verbs and adverbs that tell how to answer and not what. */
const MANNER_WORDS = words(`
  always answer avoid be being base cite do ensure follow format ignore keep leave let limit make mention never note
  only output prefer print quote read refer rely remember reply respond return say speak stay stick treat use
  antworte antworten beachte répondez réponds responde responda
`);

/** Openings that make an ask of any sentence. */
const REQUEST =
  /^(?:(?:could|can|would|will) you\b|(?:help|let) me\b|i (?:need|want|would like|'d like|have to|am trying)\b|i'd like\b|we (?:need|want)\b|your task\b|how (?:do|can|to)\b)/i;

/** Endings by which scripts without leading verbs ask. */
const REQUEST_ENDING =
  /(?:ください|下さい|なさい|せよ|してくれ|ますか|ですか|[かの]|कीजिए|कीजिये|करें|करो|दीजिए|दें|लिखें|बताइए|बताओ|하세요|해줘|해 줘|주세요|십시오|할까|인가|吗|呢)[。.!！]?$/u;

/** The beginning of what a prompt says of the assistant itself. */
export const PERSONA =
  /^(?:you(?:'re| are)|act as|du bist|sie sind|tu es|vous êtes|eres|usted es|você é|sei)\s|^(?:あなたは|你是|당신은)/iu;

export type Sentence = 'question' | 'task' | 'manner' | 'statement';

/** Tells what a sentence does, by its end and its first words. */
export function kindOfSentence(sentence: string): Sentence {
  if (/[?？؟;]["»”')\]」]*$/u.test(sentence) && !sentence.endsWith(';')) return 'question';
  if (REQUEST.test(sentence)) return 'task';
  if (REQUEST_ENDING.test(sentence) && isUnspaced(sentence)) return 'task';
  const first = leadingWords(sentence);
  const [verb = ''] = first;
  if (MANNER_WORDS.has(verb)) return 'manner';
  if (TASK_VERBS.has(verb) || beginsTask(verb)) return 'task';
  if (isUnspaced(sentence) || !/^[\p{Script=Latin}]/u.test(sentence)) {
    return first.some(beginsTask) ? 'task' : 'statement';
  }
  return 'statement';
}

function beginsTask(word: string): boolean {
  return findListsByStem(word).some((list) => TASK_LISTS.has(list));
}

export function isGreeting(word: string): boolean {
  return findListsByStem(word).includes(GREETING_LIST);
}

/** Returns the first words without a number, a bullet or a greeting before them. */
function leadingWords(sentence: string): readonly string[] {
  const found =
    sentence
      .slice(0, 80)
      .toLowerCase()
      .match(/[\p{L}\p{M}][\p{L}\p{M}'’-]*/gu) ?? [];
  const start = found.findIndex((word) => !LEAD_INS.has(word));
  return start === -1 ? [] : found.slice(start, start + 4);
}

const LEAD_INS = words(
  'and then now so also first next finally ok okay hi hello hey dear well please pls kindly bitte',
);

function isUnspaced(text: string): boolean {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Devanagari}]/u.test(
    text,
  );
}

export function words(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/).filter(Boolean));
}
