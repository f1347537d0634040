import { createRandom } from './routellm-weights.ts';

const HARD = ['prove', 'integral', 'theorem', 'distributed', 'quantum', 'derive', 'regression'];
const EASY = ['hello', 'pizza', 'weather', 'birthday', 'cat', 'movie', 'coffee'];
const FILLER = ['please', 'tell', 'me', 'about', 'the', 'one', 'with', 'and', 'for', 'some'];

/** Invented graded rows in which the strong model is better on prompts with hard words only. */
export function createGradedRows(count: number, seed: number): string {
  const random = createRandom(seed);
  const pick = (words: readonly string[]): string =>
    words[Math.floor(random() * words.length)] ?? '';
  const rows = Array.from({ length: count }, (_, index) => {
    const isHard = random() < 0.5;
    const words = Array.from({ length: 8 }, () =>
      pick(random() < 0.5 ? FILLER : isHard ? HARD : EASY),
    );
    const weak = isHard ? Number(random() < 0.2) : Number(random() < 0.9);
    const scores = { strong: Number(random() < 0.9), weak, middle: (weak + 1) / 2 };
    return {
      id: `${seed}-${index}`,
      source: index % 2 ? 'odd' : 'even',
      prompt: words.join(' '),
      scores,
    };
  });
  return `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
}
