import { createRandom } from './routellm-weights.ts';

const HARD = ['prove', 'integral', 'theorem', 'distributed', 'quantum', 'derive', 'regression'];
const EASY = ['hello', 'pizza', 'weather', 'birthday', 'cat', 'movie', 'coffee'];
const FILLER = ['please', 'tell', 'me', 'about', 'the', 'one', 'with', 'and', 'for', 'some'];

export const HARD_PROMPT = 'prove the theorem and derive the integral';
export const EASY_PROMPT = 'hello pizza and coffee with the cat';

/** An invented prompt. Hard prompts differ from easy ones only by their hard words. */
type InventedPrompt = {
  readonly id: string;
  readonly prompt: string;
  readonly isHard: boolean;
  /** A random number in [0, 1). */
  readonly luck: number;
};

export function inventPrompts(count: number, seed: number): InventedPrompt[] {
  const random = createRandom(seed);
  const pick = (words: readonly string[]): string =>
    words[Math.floor(random() * words.length)] ?? '';
  return Array.from({ length: count }, (_, index) => {
    const isHard = random() < 0.5;
    const words = Array.from({ length: 8 }, () =>
      pick(random() < 0.5 ? FILLER : isHard ? HARD : EASY),
    );
    return { id: `${seed}-${index}`, prompt: words.join(' '), isHard, luck: random() };
  });
}

/** Returns the scores of the answers: only the weak model's depend on the prompt. */
export function gradeAnswers({ isHard, luck }: InventedPrompt) {
  const weak = Number(luck < (isHard ? 0.2 : 0.9));
  return { strong: Number((7 * luck) % 1 < 0.9), weak, middle: (weak + 1) / 2 };
}

/** Returns JSON lines in which the strong model is better on hard prompts only. */
export function createGradedRows(count: number, seed: number): string {
  return toLines(
    inventPrompts(count, seed).map((invented, index) => ({
      id: invented.id,
      source: index % 2 ? 'odd' : 'even',
      prompt: invented.prompt,
      scores: gradeAnswers(invented),
    })),
  );
}

export function toLines(rows: readonly unknown[]): string {
  return `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
}
