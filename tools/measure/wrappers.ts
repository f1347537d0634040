import type { Message } from '../../shared/asks/find-ask.ts';

export const PROSE = [
  'The ferry leaves at seven from the northern quay and takes forty minutes. Bicycles travel free on weekdays. In summer a second boat is added, which the harbour office announces in May.',
  'The old lighthouse was sold in 1981 to a family from the mainland. They keep bees there, and sell the honey on Saturdays. The path along the cliff is closed after storms.',
  'Two bakeries remain on the island. One opens at five, for the fishermen, and the other at eight. Both have been run by the same cousins for thirty years, and nobody remembers why they quarrelled.',
];
const TECHNICAL = [
  'The cache is filled lazily and evicts the entry that was read longest ago. A write invalidates the entry on all replicas before it returns. Exercise 4. Show that the invariant holds when two writers race.',
  'Set `pool.size` to twice the number of cores. Connections are closed after thirty seconds without a statement. Prove the bound on the waiting time as homework.',
];
export const CODE = Array.from(
  { length: 30 },
  (_, index) =>
    `export function pick${index}(rows: Row[]): Row | undefined {\n  const found = rows.find((row) => row.id === ${index});\n  return found ?? rows[0];\n}`,
).join('\n\n');
export const LOG = Array.from(
  { length: 40 },
  (_, index) =>
    `2026-03-0${(index % 9) + 1} 10:1${index % 10}:00 INFO worker-${index} took ${index * 7} ms`,
).join('\n');
export const RULES = Array.from(
  { length: 14 },
  (_, index) => `- Rule ${index + 1}: never promise a date, and keep the tone of the house.`,
).join('\n');

export const long = (paragraphs: readonly string[], times = 5) =>
  Array.from({ length: times }, () => paragraphs)
    .flat()
    .join('\n\n');
export const user = (content: unknown): Message => ({ role: 'user', content });
export const system = (content: string): Message => ({ role: 'system', content });
export const assistant = (content: string | null): Message => ({ role: 'assistant', content });
const text = (value: string) => ({ type: 'text', text: value });

/** Wrappers of an ask: each must give it back, whatever it asks. */
export const WRAPPERS: Readonly<Record<string, (ask: string) => readonly Message[]>> = {
  nothing: (ask) => [user(ask)],
  'space around it': (ask) => [user(`\n  ${ask}\t\n`)],
  'a system prompt': (ask) => [system(`You are the assistant of a shop.\n${RULES}`), user(ask)],
  'a part of its own beside a file': (ask) => [
    user([text(`\`\`\`ts\n${CODE}\n\`\`\``), text(ask)]),
  ],
  'an image': (ask) => [user([text(ask), { type: 'image_url', image_url: { url: 'data:,' } }])],
  'a tag with an ordinary name': (ask) => [
    user(`<documents>\n${long(PROSE)}\n</documents>\n<question>${ask}</question>`),
  ],
  'tags with names in camel case': (ask) => [
    user(`<retrievedContext>${long(PROSE)}</retrievedContext>\n<userQuery>${ask}</userQuery>`),
  ],
  'tags whose names say nothing': (ask) => [
    user(`<zone-a>\n${long(PROSE)}\n</zone-a>\n\n<zone-b>\n${ask}\n</zone-b>`),
  ],
  'a tag with attributes around questions of others': (ask) => [
    user(
      `<doc id="7" lang="en">\n<question>What is the way to the quay?</question>\n${long(PROSE)}</doc>\n\n${ask}`,
    ),
  ],
  'nested tags': (ask) => [
    user(`<prompt><context><doc>${long(PROSE, 2)}</doc></context><task>${ask}</task></prompt>`),
  ],
  'a reminder after it': (ask) => [
    user(
      `${ask}\n<system-reminder>\nNever mention this reminder. Prove nothing.\n</system-reminder>`,
    ),
  ],
  'a state of the editor': (ask) => [
    user(
      `<editor_state>\nsrc/a/b.ts\nsrc/a/c.ts\nsrc/d.ts\n</editor_state>\n<user_request>\n${ask}\n</user_request>`,
    ),
  ],
  'a label after its context': (ask) => [user(`Context:\n${long(PROSE)}\n\nQuestion: ${ask}`)],
  'a label before its context': (ask) => [user(`Question: ${ask}\n\nContext:\n${long(TECHNICAL)}`)],
  'a label of the context only': (ask) => [user(`Context: ${long(PROSE)}\n\n${ask}`)],
  'French labels': (ask) => [user(`Contexte :\n${long(PROSE)}\n\nQuestion : ${ask}`)],
  'German labels in bold': (ask) => [user(`**Kontext:**\n${long(PROSE)}\n\n**Frage:** ${ask}`)],
  'Chinese labels': (ask) => [user(`资料：\n${long(PROSE)}\n\n问题：${ask}`)],
  'headings of Markdown': (ask) => [
    user(
      `## Background\n\n${long(PROSE)}\n\n## Task\n\n${ask}\n\n## Output format\n\nJSON with one field.`,
    ),
  ],
  'underlined headings': (ask) => [user(`INPUT\n-----\n${long(PROSE)}\n\nTASK\n----\n${ask}`)],
  'a template of instructions': (ask) => [
    user(`### Instruction:\n${ask}\n\n### Input:\n${long(PROSE)}\n\n### Response:\n`),
  ],
  'prose without a mark, before it': (ask) => [user(`${long(PROSE)}\n\n${ask}`)],
  'prose without a mark, after it': (ask) => [user(`${ask}\n\n${long(PROSE)}`)],
  'technical prose with exercises, before it': (ask) => [user(`${long(TECHNICAL)}\n\n${ask}`)],
  'technical prose with exercises, after it': (ask) => [
    user(`${ask}\n\nMaterial:\n\n${long(TECHNICAL)}`),
  ],
  'a word on how to answer after it': (ask) => [
    user(`${long(PROSE)}\n\n${ask}\n\nAnswer in two sentences and cite the extract.`),
  ],
  'rules before it': (ask) => [
    user(`You are the first contact of a shop.\n${RULES}\n\n${RULES}\n\n${ask}`),
  ],
  'numbered extracts': (ask) => [
    user(`[1] ${PROSE.join(' ')}\n\n[2] ${PROSE.join(' ')}\n\n[3] ${PROSE.join(' ')}\n\n${ask}`),
  ],
  'text in triple quotes': (ask) => [user(`${ask}\n\n"""\n${long(PROSE)}\n"""`)],
  'a fence that is never closed': (ask) => [user(`${ask}\n\n\`\`\`ts\n${CODE}`)],
  'code without a fence, after it': (ask) => [user(`${ask}\n\n${CODE}`)],
  'code without a fence, before it': (ask) => [user(`${CODE}\n\n${ask}`)],
  'a log before it': (ask) => [user(`${LOG}\n\n${ask}`)],
  'a log after a line that announces it': (ask) => [user(`${ask}\n\nHere is the log:\n${LOG}`)],
  'a named file before it': (ask) => [
    user(`This is src/pick.ts:\n\n\`\`\`ts\n${CODE}\n\`\`\`\n\n${ask}`),
  ],
  'JSON with a question': (ask) => [
    user(JSON.stringify({ context: PROSE, question: ask, top_k: 4 })),
  ],
  'JSON with a conversation': (ask) => [
    user(
      JSON.stringify({
        model: 'x',
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: ask },
        ],
      }),
    ),
  ],
  'a transcript': (ask) => [
    user(
      `Customer: Is the shop open on Sunday at noon?\nAgent: Until one.\nCustomer: Do you ship bicycles to Peru by sea?\nAgent: We do.\nCustomer: ${ask}\nAgent:`,
    ),
  ],
  'a transcript of questions and answers': (ask) => [
    user(
      `Q: Who wrote Faust?\nA: Goethe.\n\nQ: Who painted Guernica?\nA: Picasso.\n\nQ: ${ask}\nA:`,
    ),
  ],
  'a mail': (ask) => [
    user(
      `From: Ana Ruiz\nTo: Help desk\nDate: 3 May\nSubject: Re: A question\n\n${ask}\n\n> On Monday you wrote:\n> ${PROSE[0]}\n> ${PROSE[1]}\n-- \nAna Ruiz, Lima`,
    ),
  ],
  'results of tools after it': (ask) => [
    user(ask),
    assistant(null),
    { role: 'tool', content: LOG },
    assistant(null),
    { role: 'tool', content: CODE },
  ],
  'results of tools as user messages': (ask) => [
    user(
      `<task>${ask}</task>\n<environment_details>\nsrc/a/b.ts\nsrc/c/d.ts\n</environment_details>`,
    ),
    assistant('<read_file><path>src/a/b.ts</path></read_file>'),
    user([
      text("[read_file for 'src/a/b.ts'] Result:"),
      text(CODE),
      text('<environment_details>\nsrc/a/b.ts\n</environment_details>'),
    ]),
  ],
  'earlier turns on another subject': (ask) => [
    user('Name three kinds of cheese from France.'),
    assistant('Brie, Comté and Roquefort.'),
    user(ask),
  ],
};
