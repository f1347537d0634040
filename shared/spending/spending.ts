import { setTimeout as delay } from 'node:timers/promises';
import type { TableClient } from '@azure/data-tables';
import type { Background } from '../base/background.ts';
import { readRows } from '../storage/read-rows.ts';
import { removeRows } from '../storage/remove-rows.ts';
import { shareUntilFailure, writeToTable } from '../storage/tables.ts';

type SpendingOptions = {
  /** Absent without configured tables: this instance counts only its own requests. */
  readonly loadClient?: (() => Promise<TableClient>) | undefined;
  /** Unique to this process. */
  readonly instanceId: string;
  /** The interval at which the spending of other instances is read. */
  readonly refreshMs: number;
  /** Returns the use cases that have a budget; undefined while they are not known. */
  readonly getBudgeted: () => readonly string[] | undefined;
  readonly background: Background;
  readonly now?: () => number;
};

/** The spending of use cases on the current day, by UTC, on all instances. */
export type Spending = {
  add(useCase: string, usd: number): void;
  /** Returns USD: the spending of this instance, and of the others as last read. */
  spentToday(useCase: string): number;
  /** Writes the spending of this instance and reads that of the others. Never throws. */
  sync(): Promise<void>;
  /** True once the spending of all use cases with a budget has been read; always true without tables. */
  isRead(): boolean;
  /** Calls `sync` now, which it waits for at most START_MS, and then every `refreshMs`. */
  start(): Promise<void>;
  /** Removes the days before a time; returns the number of rows. */
  purge(before: Date): Promise<number>;
};

/** The most time that reading the spending may add to a start. */
const START_MS = 2_000;

/** The spending of one use case on one day. */
type Sum = { readonly day: string; readonly usd: number };
type OwnSum = Sum & { readonly isWritten: boolean };

/**
 * Each instance keeps its own sum in its own row, which no other instance writes; the partition
 * `<day>|<use case>` has all of them. So nothing is counted twice, and a process that replaces another,
 * which is a new instance, includes everything that was written before.
 */
export function createSpending(options: SpendingOptions): Spending {
  const { instanceId, refreshMs, getBudgeted, background, now = Date.now } = options;
  const loadClient = options.loadClient && shareUntilFailure(options.loadClient);
  const own = new Map<string, OwnSum>();
  const others = new Map<string, Sum>();
  let hasRead = loadClient === undefined;
  let looking: Promise<unknown> = Promise.resolve();

  const today = () => dayOf(new Date(now()));
  const ofToday = (sum: Sum | undefined) => (sum?.day === today() ? sum.usd : 0);

  async function write(client: TableClient): Promise<void> {
    for (const [useCase, sum] of own) {
      if (sum.isWritten) continue;
      const row = { partitionKey: `${sum.day}|${useCase}`, rowKey: instanceId, usd: sum.usd };
      await upsert(client, row);
      // More may have been added in the meantime.
      if (own.get(useCase) === sum) own.set(useCase, { ...sum, isWritten: true });
    }
  }

  async function read(client: TableClient, budgeted: readonly string[]): Promise<void> {
    const day = today();
    for (const useCase of budgeted) {
      const usd = await sumOfOthers(client, `${day}|${useCase}`, instanceId);
      others.set(useCase, { day, usd });
    }
  }

  async function look(): Promise<void> {
    const budgeted = getBudgeted();
    hasRead ||= budgeted?.length === 0;
    const isIdle = !budgeted?.length && [...own.values()].every((one) => one.isWritten);
    if (loadClient === undefined || isIdle) return;
    const client = await loadClient();
    await write(client);
    await read(client, budgeted ?? []);
    hasRead ||= budgeted !== undefined;
  }

  /** Runs one at a time: an older sum that is written last would replace a newer one. */
  async function sync(): Promise<void> {
    looking = looking.then(() => background.run('spending', look));
    await looking;
  }

  return {
    add: (useCase, usd) => {
      if (!(usd > 0)) return;
      own.set(useCase, { day: today(), usd: ofToday(own.get(useCase)) + usd, isWritten: false });
    },
    spentToday: (useCase) => ofToday(own.get(useCase)) + ofToday(others.get(useCase)),
    sync,
    isRead: () => hasRead,
    start: async () => {
      const first = sync();
      void first.then(() => background.repeat(sync, () => refreshMs));
      await Promise.race([first, delay(START_MS, undefined, { ref: false })]);
    },
    purge: async (before) =>
      loadClient === undefined ? 0 : removeBefore(await loadClient(), dayOf(before)),
  };
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

type Row = { readonly partitionKey: string; readonly rowKey: string; readonly usd?: unknown };

async function upsert(client: TableClient, row: Row): Promise<void> {
  // Without its type, a whole number would be stored as a 32-bit integer.
  const entity = { ...row, usd: { type: 'Double', value: String(row.usd) } } as const;
  await writeToTable(client, () => client.upsertEntity(entity, 'Replace'));
}

/** Returns USD. */
async function sumOfOthers(
  client: TableClient,
  partition: string,
  instanceId: string,
): Promise<number> {
  const rows = await readRows(client, `PartitionKey eq '${partition}'`);
  return rows
    .filter(({ rowKey, usd }) => rowKey !== instanceId && Number(usd) > 0 && Number.isFinite(usd))
    .reduce((sum, { usd }) => sum + Number(usd), 0);
}

/** Removes the days before `day`, whose names sort by date. */
async function removeBefore(client: TableClient, day: string): Promise<number> {
  return removeRows(client, await readRows(client, `PartitionKey lt '${day}'`));
}
