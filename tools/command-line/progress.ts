/** The output for a progress line: `process.stderr`, or a stand-in. */
type Terminal = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
};

type ProgressOptions = {
  /** The activity, such as `Embedding`. */
  readonly label: string;
  /** The counted unit, such as `rows`. */
  readonly unit: string;
  /** The expected count. Without it no percentage and no remaining time are shown. */
  readonly total?: number;
  readonly terminal?: Terminal;
  readonly now?: () => number;
};

export type Progress = {
  /** Adds to the count, and updates the line when it is due. `extra` is a short text, such as `loss 0.412`. */
  advance(count?: number, extra?: string): void;
  /** Writes the last line, which stays. Further calls do nothing. */
  end(): void;
};

const REDRAW_MS = 100;
/** The shortest time between two lines where lines cannot be rewritten, as in a log. */
const LOG_EVERY_MS = 5_000;
/** The window in milliseconds from which the rate is computed, since a resumed run is fast at first. */
const RATE_WINDOW_MS = 15_000;
const BAR_CHARACTERS = 20;

/**
 * Shows the progress of a command on stderr: one line that is rewritten, or occasional lines where there
 * is no terminal. It has no timer, since training blocks the event loop.
 */
export function createProgress(options: ProgressOptions): Progress {
  const { label, unit, total, terminal = process.stderr, now = Date.now } = options;
  const isTerminal = terminal.isTTY === true;
  const start = now();
  let samples: readonly { readonly at: number; readonly done: number }[] = [{ at: start, done: 0 }];
  // A log needs no line for a command that ends immediately.
  let shownAt = isTerminal ? Number.NEGATIVE_INFINITY : start;
  let done = 0;
  let note = '';
  let isOver = false;

  function show(tail: string): void {
    const parts = [`${count(done)}${total === undefined ? '' : `/${count(total)}`} ${unit}`, tail];
    const line = `${label} ${share()}${[...parts, note].filter((part) => part !== '').join(', ')}`;
    if (!isTerminal) terminal.write(`${line}\n`);
    // The rest of the earlier line is erased; a line that wraps could not be rewritten.
    else terminal.write(`\r${line.slice(0, columns() - 1)}\x1b[K`);
  }

  function columns(): number {
    // Some terminals that do not know their width report 0.
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

/** Formats hours, minutes and seconds as `0:07`, `12:34` or `1:02:03`. */
function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}
