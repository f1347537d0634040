import { untilAborted } from './deadline.ts';

/** The fields of an event. They never hold a key, a prompt or an answer. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export type Log = (
  level: 'debug' | 'info' | 'warning' | 'error',
  event: string,
  /** A function is called only if the event is logged, when it is written. */
  fields?: LogFields | (() => LogFields),
) => void;

const RANK: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warning: 2,
  error: 3,
  none: 4,
};

/** How long an event waits for others, to be written with them and outside of requests. */
const GATHER_MS = 20;

type Event = {
  readonly at: number;
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields | (() => LogFields) | undefined;
};

/**
 * Creates a log that writes one JSON line an event, within some milliseconds and before the process
 * exits. It does not use the host's invocation on purpose: streams end after their handler has.
 */
export function createLog(minimum: LogLevel): Log {
  return (level, event, fields) => {
    if (RANK[level] < RANK[minimum]) return;
    gathered.push({ at: Date.now(), level, event, fields });
    timer ??= setTimeout(writeGathered, GATHER_MS).unref();
  };
}

/** Events of all logs of the process, which has one output. */
let gathered: Event[] = [];
let timer: NodeJS.Timeout | undefined;
process.once('exit', writeGathered);

function writeGathered(): void {
  clearTimeout(timer);
  timer = undefined;
  const events = gathered;
  gathered = [];
  const { errors = [], others = [] } = Object.groupBy(events, ({ level }) =>
    level === 'error' ? 'errors' : 'others',
  );
  // One call writes all lines: a call takes as long as all other work for a line.
  if (others.length > 0) console.log(others.map(toLine).join('\n'));
  if (errors.length > 0) console.error(errors.map(toLine).join('\n'));
}

function toLine({ at, level, event, fields }: Event): string {
  const known = JSON.stringify(typeof fields === 'function' ? fields() : (fields ?? {}));
  // Joined as text and not copied into one object: lines have up to forty fields.
  const head = `{"time":"${new Date(at).toISOString()}","level":"${level}","event":"${event}"`;
  return known === '{}' ? `${head}}` : `${head},${known.slice(1)}`;
}

/** Waits until all events have left the process, at most this long. */
export async function flushLog(timeoutMs: number): Promise<void> {
  writeGathered();
  const written = [process.stdout, process.stderr].map((stream) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    stream.write('', () => resolve());
    return promise;
  });
  await untilAborted(Promise.all(written), AbortSignal.timeout(timeoutMs)).catch(() => undefined);
}

/** The kind of an error for a log: classes, statuses and codes, but no message, which may hold anything. */
export function errorKind(error: unknown, causes = 3): string {
  if (!(error instanceof Error)) return typeof error;
  const facts = ['status', 'statusCode', 'code'].map((name) => Reflect.get(error, name));
  const known = facts.filter((fact) => typeof fact === 'number' || isCode(fact));
  const hasCause = causes > 0 && error.cause instanceof Error;
  const cause = hasCause ? ` < ${errorKind(error.cause, causes - 1)}` : '';
  return [error.constructor.name, ...new Set(known)].join(':') + cause;
}

/** A code is a word; a sentence may hold anything. */
function isCode(fact: unknown): boolean {
  return typeof fact === 'string' && /^\w{1,64}$/.test(fact);
}

export const LOG_LEVELS = ['debug', 'info', 'warning', 'error', 'none'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];
