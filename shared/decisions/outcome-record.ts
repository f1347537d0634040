import { createHash } from 'node:crypto';
import type { TableClient, TransactionAction } from '@azure/data-tables';
import * as z from 'zod';
import { getRow } from '../storage/read-rows.ts';
import { isConflict, writeToTable } from '../storage/tables.ts';
import type { Place } from './request-ids.ts';

/** A judgement of how good an answer was. */
export const outcomeSchema = z
  .strictObject({
    request_id: z.string().max(256).describe('The `x-smart-router-request-id` of the answer.'),
    verdict: z
      .enum(['good', 'bad', 'tie'])
      .optional()
      .describe('`tie`: as good as the answer of the other model would have been.'),
    score: z.number().min(0).max(1).optional(),
    source: z.enum(['user', 'judge', 'system']).optional().describe('Default: `user`.'),
    comment: z.string().max(2_000).nullish(),
  })
  .refine(
    ({ verdict, score }) => (verdict === undefined) !== (score === undefined),
    'needs either verdict or score',
  );
export type Outcome = Readonly<z.infer<typeof outcomeSchema>>;

/** The decision that an outcome is about, and the origin of the outcome. */
type OutcomeOrigin = {
  /** Where the decision is stored. */
  readonly place: Place;
  readonly caller: string;
  readonly key?: string | undefined;
  readonly at: number;
  /** The model that the answer was compared with; absent if it was judged by itself. */
  readonly comparedWith?: string;
};

/**
 * Stores an outcome in the partition of its decision, which may not be written yet, in the place of an earlier one
 * of the same caller and source. Returns the body of
 * the answer; for a key that was used before, the first body, byte for byte.
 */
export async function keepOutcome(
  client: TableClient,
  outcome: Outcome,
  { place, caller, key, at, comparedWith }: OutcomeOrigin,
): Promise<string> {
  const keyRow =
    key === undefined ? undefined : `k|${hash(JSON.stringify([caller, key, place.row]))}`;
  const before = keyRow && (await getRow(client, place.partition, keyRow));
  if (before) return String(before['answer']);
  const id = idOf(outcome, place, caller);
  const columns = { ...columnsOf(outcome), comparedWith, caller, at: new Date(at).toISOString() };
  const answer = JSON.stringify({ id, ...outcomeJson(columns), request_id: outcome.request_id });
  const { partition: partitionKey, row } = place;
  const actions: TransactionAction[] = [
    ['upsert', { ...columns, partitionKey, rowKey: `o|${row.slice(2)}|${id}` }, 'Replace'],
    ...(keyRow ? [['create', { partitionKey, rowKey: keyRow, answer }] as TransactionAction] : []),
  ];
  try {
    await writeToTable(client, () => client.submitTransaction(actions));
    return answer;
  } catch (error) {
    const first = keyRow && isConflict(error) && (await getRow(client, partitionKey, keyRow));
    if (first) return String(first['answer']);
    throw error;
  }
}

/** The same for all outcomes of one request, caller and source: the newest replaces the others. */
function idOf({ source = 'user' }: Outcome, { row }: Place, caller: string): string {
  return `outcome_${hash(JSON.stringify([row, caller, source])).slice(0, 32)}`;
}

function columnsOf({ verdict, score, source = 'user', comment }: Outcome) {
  return {
    source,
    ...(verdict !== undefined && { verdict }),
    ...(score !== undefined && { score }),
    ...(comment != null && { comment }),
  };
}

/** Returns a row as JSON, without the id of its request. */
export function outcomeJson(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { verdict, score, source, comment, comparedWith, at } = row;
  return {
    object: 'outcome',
    created_at: Math.floor(Date.parse(String(at)) / 1_000),
    source,
    ...(verdict !== undefined && { verdict }),
    ...(score !== undefined && { score }),
    ...(comment !== undefined && { comment }),
    ...(comparedWith !== undefined && { compared_with: comparedWith }),
  };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
