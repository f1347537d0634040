const EDGE_SENTENCES = 3;
const EDGE_CHARACTERS = 1_200;
const SENTENCE_END = /\n|(?<=[.!?؟]["»”’')\]]{0,2})\s|(?<=[。！？।][」』]?)/u;

/** Returns the first and the last sentences of a text, trimmed. */
export function edgeSentences(text: string): readonly string[] {
  if (text.length > 2 * EDGE_CHARACTERS) {
    return [
      ...sentencesOf(text.slice(0, EDGE_CHARACTERS)).slice(0, EDGE_SENTENCES),
      ...sentencesOf(text.slice(-EDGE_CHARACTERS)).slice(-EDGE_SENTENCES),
    ];
  }
  const all = sentencesOf(text);
  if (all.length <= 2 * EDGE_SENTENCES) return all;
  return [...all.slice(0, EDGE_SENTENCES), ...all.slice(-EDGE_SENTENCES)];
}

export function sentencesOf(text: string): readonly string[] {
  return text
    .split(SENTENCE_END)
    .map((sentence) => sentence.trim())
    .filter(Boolean);
}

/** Tells whether most letters of a text are Latin. */
export function scriptOf(text: string): 'latin' | 'other' {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  const latin = text.match(/\p{Script=Latin}/gu)?.length ?? 0;
  return latin * 2 >= letters ? 'latin' : 'other';
}
