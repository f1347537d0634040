import { createReadStream } from 'node:fs';
import { InputError } from '../command-line/input-error.ts';

export type BadLineTolerance = {
  /** Number of bad lines that are skipped; one more is an error. */
  readonly maxBad: number;
  /** Called with a message about skipped lines. */
  readonly report: (line: string) => void;
};

type LineReader<Row> = BadLineTolerance & {
  /** Parses a row. Throws an InputError that names the problem in a clause without the place. */
  readonly parse: (json: unknown) => Row;
};

/** A longer line is not a row; it is skipped without being held in memory, whatever its length. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;
/** Largest number of bad lines that are named; a file of another kind has only bad lines. */
const MAX_NAMED = 10;
const NEWLINE = 0x0a;

/**
 * Reads JSON lines as a stream: one line is in memory at a time, whatever the size of the files.
 * Empty lines, a byte order mark and Windows line ends are accepted. Throws an InputError that
 * names each bad line as `file:line` once there are more than `maxBad`.
 */
export async function* readJsonLines<Row>(
  paths: readonly string[],
  { parse, ...tolerance }: LineReader<Row>,
): AsyncGenerator<Row> {
  const badLines = new BadLines(tolerance);
  for await (const { place, line } of readNumberedLines(paths)) {
    try {
      const json = parseJson(line);
      if (json === undefined) continue;
      const row = parse(json);
      // Beyond the limit, the rest is read only to name further problems.
      if (badLines.areTolerable) yield row;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      badLines.add(`${place}: ${error.message}`);
    }
  }
  badLines.end();
}

class BadLines {
  readonly #maxBad: number;
  readonly #report: (line: string) => void;
  readonly #named: string[] = [];
  #count = 0;

  constructor({ maxBad, report }: BadLineTolerance) {
    this.#maxBad = maxBad;
    this.#report = report;
  }

  get areTolerable(): boolean {
    return this.#count <= this.#maxBad;
  }

  add(problem: string): void {
    this.#count += 1;
    if (this.#named.length < MAX_NAMED) {
      this.#named.push(problem);
      if (this.#maxBad > 0) this.#report(`Left out: ${problem}`);
    }
    if (!this.areTolerable && this.#count >= MAX_NAMED) this.end();
  }

  end(): void {
    if (!this.areTolerable) {
      throw new InputError(
        `The data has more bad lines than --max-bad-lines (${this.#maxBad}) allows: ${this.#named.join(' ')}`,
      );
    }
    if (this.#count > 0) this.#report(`${this.#count} bad lines were left out.`);
  }
}

function parseJson(line: Line): unknown {
  if (line === 'too long') throw new InputError(`longer than ${MAX_LINE_BYTES} bytes.`);
  try {
    // Each line has its own decoder, which drops a byte order mark only at the beginning.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(line);
    return text.trim() === '' ? undefined : JSON.parse(text);
  } catch {
    // The parser's reason is left out, since it quotes the line.
    throw new InputError('not JSON.');
  }
}

type Line = Uint8Array | 'too long';

async function* readNumberedLines(
  paths: readonly string[],
): AsyncGenerator<{ readonly place: string; readonly line: Line }> {
  for (const path of paths) {
    let number = 0;
    for await (const line of readLines(path)) {
      number += 1;
      yield { place: `${path}:${number}`, line };
    }
  }
}

async function* readLines(path: string): AsyncGenerator<Line> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const add = (piece: Buffer): void => {
    bytes += piece.length;
    if (bytes > MAX_LINE_BYTES) pieces = [];
    else pieces.push(piece);
  };
  const take = (): Line => {
    const line = bytes > MAX_LINE_BYTES ? 'too long' : Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
    return line;
  };
  for await (const chunk of readChunks(path)) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, end));
      from = end + 1;
      yield take();
    }
    add(chunk.subarray(from));
  }
  yield take();
}

async function* readChunks(path: string): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
  try {
    yield* stream;
  } catch (error) {
    throw new InputError(`The data cannot be read: ${String(error)}`);
  } finally {
    stream.destroy();
  }
}
