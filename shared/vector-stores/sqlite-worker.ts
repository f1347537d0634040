import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

// SQLite answers in the thread that asks: a search through many vectors would hold up the requests of
// all others. So it has a thread of its own, which runs what it is sent, one after another.

/** A statement, with its values for each of the times that it is to be run. */
export type Statement = { readonly sql: string; readonly runs: readonly SQLInputValue[][] };

export type Order = {
  readonly id: number;
  /** All or nothing; of the last one the rows are the answer. */
  readonly statements: readonly Statement[];
};

export type Result =
  | { readonly id: number; readonly rows: readonly Readonly<Record<string, unknown>>[] }
  | { readonly id: number; readonly error: string };

export type WorkerSettings = { readonly file: string; readonly extension: string };

const { file, extension } = workerData as WorkerSettings;
/** So long another process may be writing. */
const BUSY_MS = 10_000;
const database = new DatabaseSync(file, { allowExtension: true, timeout: BUSY_MS });
database.loadExtension(extension);
writeAhead();

/** Of several that make a file at once, SQLite refuses this to all but one without a wait. */
function writeAhead(): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (const end = Date.now() + BUSY_MS; ; Atomics.wait(pause, 0, 0, 10)) {
    try {
      database.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (!String(error).includes('locked') || Date.now() > end) throw error;
    }
  }
}

const prepared = new Map<string, ReturnType<typeof database.prepare>>();
/** Filters make statements of any shape: the oldest are forgotten. */
const MAX_PREPARED = 100;

function prepare(sql: string) {
  const known = prepared.get(sql) ?? database.prepare(sql);
  prepared.delete(sql);
  prepared.set(sql, known);
  const [oldest] = prepared.keys();
  if (prepared.size > MAX_PREPARED && oldest !== undefined) prepared.delete(oldest);
  return known;
}

function run(statements: readonly Statement[]): Readonly<Record<string, unknown>>[] {
  let rows: Readonly<Record<string, unknown>>[] = [];
  for (const { sql, runs } of statements) {
    const statement = prepare(sql);
    for (const values of runs) rows = statement.all(...values);
  }
  return rows;
}

function runTogether(statements: readonly Statement[]): Readonly<Record<string, unknown>>[] {
  database.exec('begin immediate');
  try {
    const rows = run(statements);
    database.exec('commit');
    return rows;
  } catch (error) {
    database.exec('rollback');
    throw error;
  }
}

parentPort?.on('message', ({ id, statements }: Order) => {
  try {
    // One alone is a transaction by itself.
    const [first] = statements;
    const isOne = statements.length === 1 && first?.runs.length === 1;
    const rows = isOne ? run(statements) : runTogether(statements);
    parentPort?.postMessage({ id, rows } satisfies Result);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ id, error: message } satisfies Result);
  }
});
