import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

// SQLite runs in the calling thread, where a search through many vectors would hold up all other requests.
// It therefore has its own worker thread, which runs one order after another.

/** A statement, with the values of each of its runs. */
export type Statement = { readonly sql: string; readonly runs: readonly SQLInputValue[][] };

export type Order = {
  readonly id: number;
  /** Run together or not at all; the answer is the rows of the last one. */
  readonly statements: readonly Statement[];
};

export type Result =
  | { readonly id: number; readonly rows: readonly Readonly<Record<string, unknown>>[] }
  | { readonly id: number; readonly error: string };

export type WorkerSettings = { readonly file: string; readonly extension: string };

const { file, extension } = workerData as WorkerSettings;
/** The longest time to wait while another process writes. */
const BUSY_MS = 10_000;
const database = new DatabaseSync(file, { allowExtension: true, timeout: BUSY_MS });
database.loadExtension(extension);
writeAhead();

/** Retries: when several processes create a file, SQLite refuses this to all but one without waiting. */
function writeAhead(): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (const end = performance.now() + BUSY_MS; ; Atomics.wait(pause, 0, 0, 10)) {
    try {
      database.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (!String(error).includes('locked') || performance.now() > end) throw error;
    }
  }
}

const prepared = new Map<string, ReturnType<typeof database.prepare>>();
/** The most prepared statements kept: filters make any number, and the least recently used are dropped. */
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
    // A single statement is a transaction by itself.
    const [first] = statements;
    const isOne = statements.length === 1 && first?.runs.length === 1;
    const rows = isOne ? run(statements) : runTogether(statements);
    parentPort?.postMessage({ id, rows } satisfies Result);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ id, error: message } satisfies Result);
  }
});
