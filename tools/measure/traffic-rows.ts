import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { WRAPPERS } from './wrappers.ts';

const rowSchema = z.object({
  id: z.string(),
  kind: z.string(),
  label: z.enum(['strong', 'weak', 'either']),
  plain_id: z.string().optional(),
  body: z.object({ messages: z.array(z.looseObject({ role: z.string() })) }),
});

/** A request, and the tier that ought to answer it. */
export type TrafficRow = Pick<z.infer<typeof rowSchema>, 'id' | 'kind' | 'label' | 'body'> & {
  /** The request with the same ask and nothing around it. */
  readonly plainId?: string | undefined;
};

export async function readTraffic(file: string): Promise<TrafficRow[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean);
  return lines.map((line) => {
    const { plain_id: plainId, ...row } = rowSchema.parse(JSON.parse(line));
    return { ...row, plainId };
  });
}

const OWN = fileURLToPath(new URL('../model/everyday-and-expert.jsonl', import.meta.url));
/** How many prompts of each kind are wrapped, at even distances in the file. */
const SAMPLE = 60;
/** The longest prompt that counts as a bare ask, in characters. */
const LONGEST = 400;

/** Wraps a sample of the project's own everyday prompts (weak) and expert prompts (strong) in each wrapper. */
export async function wrapOwnPrompts(): Promise<TrafficRow[]> {
  const lines = (await readFile(OWN, 'utf8')).split('\n').filter(Boolean);
  const prompts = lines
    .map((line): { source: string; prompt: string } => JSON.parse(line))
    .filter(({ prompt }) => prompt.length <= LONGEST && !prompt.includes('\n'));
  const sample = (source: string) => {
    const own = prompts.filter((row) => row.source === source);
    const step = own.length / SAMPLE;
    return Array.from(
      { length: SAMPLE },
      (_, index) => own[Math.floor(index * step)]?.prompt ?? '',
    );
  };
  const asks = [
    ...sample('own-everyday').map((ask) => ({ ask, label: 'weak' as const })),
    ...sample('own-expert').map((ask) => ({ ask, label: 'strong' as const })),
  ];
  return Object.entries(WRAPPERS).flatMap(([kind, wrap]) =>
    asks.map(({ ask, label }, index): TrafficRow => {
      const plainId = kind === 'nothing' ? undefined : `nothing/${index}`;
      return { id: `${kind}/${index}`, kind, label, plainId, body: { messages: [...wrap(ask)] } };
    }),
  );
}
