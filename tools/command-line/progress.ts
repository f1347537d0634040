/** What a progress line is written to: `process.stderr`, or a stand-in. */
type Terminal = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
};

type ProgressOptions = {
  /** What is being done: `Embedding`. */
  readonly label: string;
  /** What is counted: `rows`. */
  readonly unit: string;
  /** Absent: not known before the end, so that there is no percentage and no time left. */
  readonly total?: number;
  readonly terminal?: Terminal;
  readonly now?: () => number;
};

export type Progress = {
  /** Counts on, and shows it when it is time. `extra` is a short text: `loss 0.412`. */
  advance(count?: number, extra?: string): void;
  /** The last line stays. Harmless when it is called again. */
  end(): void;
};

const REDRAW_MS = 100;
/** Where lines cannot be rewritten (a log), one is written at most this often. */
const LOG_EVERY_MS = 5_000;
/** The rate is that of the last so many milliseconds: a resumed run is fast at first. */
const RATE_WINDOW_MS = 15_000;
const BAR_CHARACTERS = 20;

/**
 * Shows on stderr how far a command is: one line that is rewritten, or lines now and then where
 * there is no terminal. It has no timer, since training leaves no room for one to run.
 */
export function createProgress(options: ProgressOptions): Progress {
  const { label, unit, total, terminal = process.stderr, now = Date.now } = options;
  const isTerminal = terminal.isTTY === true;
  const start = now();
  let samples: readonly { readonly at: number; readonly done: number }[] = [{ at: start, done: 0 }];
  // A log need not be told of what is over at once.
  let shownAt = isTerminal ? Number.NEGATIVE_INFINITY : start;
  let done = 0;
  let note = '';
  let isOver = false;

  function show(tail: string): void {
    const parts = [`${count(done)}${total === undefined ? '' : `/${count(total)}`} ${unit}`, tail];
    const line = `${label} ${share()}${[...parts, note].filter((part) => part !== '').join(', ')}`;
    if (!isTerminal) terminal.write(`${line}\n`);
    // The rest of what stood there is erased; a line that wraps could not be rewritten.
    else terminal.write(`\r${line.slice(0, columns() - 1)}\x1b[K`);
  }

  function columns(): number {
    // 0 is what some terminals say that do not know.
    return terminal.columns || 80;
  }

  function share(): string {
    if (total === undefined || total === 0) return '';
    const part = Math.min(1, done / total);
    const full = Math.floor(part * BAR_CHARACTERS);
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_CHARACTERS - full)} `;
    return `${isTerminal ? bar : ''}${Math.floor(part * 100)}% `;
  }

  function pace(at: number): string {
    samples = [...samples.filter((one) => at - one.at <= RATE_WINDOW_MS), { at, done }];
    const [oldest = { at: start, done: 0 }] = samples;
    const rate = (1_000 * (done - oldest.done)) / (at - oldest.at);
    if (!(rate > 0 && rate < Number.POSITIVE_INFINITY)) return '';
    const left = total === undefined ? '' : `, ${duration((1_000 * (total - done)) / rate)} left`;
    return `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))}/s${left}`;
  }

  return {
    advance(by = 1, extra = note) {
      done += by;
      note = extra;
      const at = now();
      if (isOver || at - shownAt < (isTerminal ? REDRAW_MS : LOG_EVERY_MS)) return;
      shownAt = at;
      show(pace(at));
    },
    end() {
      if (isOver) return;
      isOver = true;
      show(`in ${duration(now() - start)}`);
      if (isTerminal) terminal.write('\n');
    },
  };
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** `0:07`, `12:34`, `1:02:03`: hours, minutes, seconds. */
function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}
