import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The files that may read the time of day, each with the reason. It can be set, so a duration that is
 * measured by it may last for hours: durations use `performance.now()`.
 */
const TIME_OF_DAY: Readonly<Record<string, string>> = {
  'functions/build/create-decisions.ts': 'the time of an outcome is stored',
  'shared/access/entra-tokens.ts': 'tokens name the times of day at which they begin and end',
  'shared/base/log.ts': 'lines have the time of day',
  'shared/chat-format/given-back.ts': 'a spoken answer names the time of day at which it ends',
  'shared/chat/continue-thread.ts': 'the time of the last answer of a thread is stored',
  'shared/chat/record-decision.ts': 'the time of a decision is stored',
  'shared/client/errors.ts': 'retry-after may be a date',
  'shared/decisions/request-ids.ts': 'ids contain the time of the decision, which is stored',
  'shared/decisions/rollup.ts': 'sums are stored by hour and day',
  'shared/decisions/sync-own-quantiles.ts': 'the times of changes are stored',
  'shared/handlers/decision-handlers.ts': 'queries are for times that are stored',
  'shared/registry/edit-entries.ts': 'the time of a change is stored',
  'shared/spending/budget.ts': 'budgets are for days',
  'shared/spending/spending.ts': 'budgets are for days',
  'shared/storage/purge-expired.ts': 'the times of what is purged are stored',
  'shared/threads/thread-store.ts': 'threads are stored with their end',
  'shared/upstream/entra-token.ts': 'a credential gives the time of day at which its token ends',
  'shared/upstream/rest.ts': 'retry-after may be a date',
  'shared/vector-stores/store-records.ts': 'stores are stored with their end',
  'shared/vector-stores/vector-stores.ts': 'the time of the last use is stored',
};

test('only what is stored, or comes from elsewhere as a date, uses the time of day', () => {
  const files = ['functions', 'shared'].flatMap((tree) =>
    readdirSync(join(root, tree), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(tree, file).replaceAll('\\', '/')),
  );
  const found = files.filter((file) =>
    /\bDate\.now\b|\bnew Date\(\)|\bDate\(\)/.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(found.toSorted()).toEqual(Object.keys(TIME_OF_DAY).toSorted());
});
