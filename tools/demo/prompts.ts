/** A kind of work, and the form of its requests. */
export type Work = {
  readonly useCase: string;
  /** Share of all requests, relative to the sum over all kinds. */
  readonly weight: number;
  /** Median number of tokens of an answer. */
  readonly answerTokens: number;
  /** Median number of tokens before the prompt: instructions, documents. */
  readonly contextTokens: number;
  /** Share of its requests that are streamed. */
  readonly streamed: number;
  readonly templates: readonly string[];
  /** The texts that replace `{}`. */
  readonly subjects: readonly string[];
};

/** The kinds of prompts that an application's users might send in an hour. */
export const WORKS: readonly Work[] = [
  {
    useCase: 'support',
    weight: 42,
    answerTokens: 140,
    contextTokens: 700,
    streamed: 0.8,
    templates: [
      'How do I {}?',
      'I would like to {}. Where do I find that?',
      'My customer asks whether one can {}. Please answer in two sentences.',
      'It does not work when I try to {}. What should I do?',
    ],
    subjects: [
      'change the address on my invoice',
      'cancel my subscription before it renews',
      'reset my password without my old phone',
      'add a colleague to our workspace',
      'export last year’s orders as a table',
      'return a pair of shoes that are too small',
      'get a refund for a duplicate payment',
      'move my account to another country',
      'see why my delivery is late',
      'turn off the weekly summary',
    ],
  },
  {
    useCase: 'extraction',
    weight: 26,
    answerTokens: 60,
    contextTokens: 1_400,
    streamed: 0,
    templates: [
      'Give the {} of the letter above as JSON.',
      'Which {} does the document name? Answer with a list.',
      'Is there a {} in this text? Answer yes or no.',
    ],
    subjects: [
      'date of delivery',
      'total with tax',
      'names of both parties',
      'notice period',
      'number of the contract',
      'address of the sender',
      'currency and amount',
    ],
  },
  {
    useCase: 'coding',
    weight: 18,
    answerTokens: 520,
    contextTokens: 1_100,
    streamed: 0.9,
    templates: [
      'Write a TypeScript function that {}, with tests for the edges.',
      'Explain step by step why this code does not {} and fix it.',
      'Refactor this module so that it can {} without blocking; keep the public interface.',
      'Prove that the algorithm can {} in O(n log n), or give a counterexample.',
    ],
    subjects: [
      'merge overlapping intervals',
      'retry with exponential backoff and jitter',
      'parse a CSV file with quoted line breaks',
      'find the shortest path in a weighted graph',
      'keep a least recently used cache under concurrent writes',
      'detect a cycle in a linked list',
      'stream a large file in chunks and resume after an error',
    ],
  },
  {
    useCase: 'writing',
    weight: 14,
    answerTokens: 360,
    contextTokens: 250,
    streamed: 0.7,
    templates: [
      'Write a short, friendly note about {}.',
      'Draft a product announcement about {} in three paragraphs, without superlatives.',
      'Compare two ways to think about {} and argue for the less popular one.',
    ],
    subjects: [
      'our new opening hours',
      'moving the team to another floor',
      'a delay in the spring release',
      'remote work in small companies',
      'the ethics of dynamic pricing',
      'saving energy in the office',
    ],
  },
];

/** Returns all prompts of a kind of work. */
export function promptsOf({ templates, subjects }: Work): readonly string[] {
  return templates.flatMap((template) =>
    subjects.map((subject) => template.replace('{}', subject)),
  );
}
