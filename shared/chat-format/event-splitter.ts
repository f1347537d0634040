const LF = 10;
const CR = 13;

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

export type Splitter = {
  /** The events that this chunk completes, if it completes any, without a byte order mark before the first. */
  push(chunk: Buffer): Buffer | undefined;
  /** The bytes of an event that is not complete. */
  rest(): Buffer;
};

/**
 * Looks at each byte once, so that one event in very many chunks does not take quadratic time. A byte order mark is
 * left out: clients take it only as the first bytes of their stream, and comments may come before it.
 */
export function createSplitter(): Splitter {
  let isFirst = true;
  let held: Buffer[] = [];
  /** The last bytes held, since the blank line may come in two chunks. */
  let tail: Buffer = Buffer.alloc(0);
  return {
    push: (chunk) => {
      const seam = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
      const complete = endOfEvents(seam);
      if (complete === 0) {
        held.push(chunk);
        tail = seam.subarray(-3);
        return undefined;
      }
      const rest = seam.subarray(complete);
      const head = chunk.subarray(0, chunk.length - rest.length);
      const events = held.length === 0 ? head : Buffer.concat([...held, head]);
      held = rest.length === 0 ? [] : [rest];
      tail = rest.subarray(-3);
      if (!isFirst) return events;
      isFirst = false;
      return withoutMark(events);
    },
    rest: () => (isFirst ? withoutMark(Buffer.concat(held)) : Buffer.concat(held)),
  };
}

function withoutMark(bytes: Buffer): Buffer {
  const mark = bytes.subarray(0, BYTE_ORDER_MARK.length);
  return mark.equals(BYTE_ORDER_MARK) ? bytes.subarray(mark.length) : bytes;
}

/** The end of the last complete event: after its blank line, with LF, CRLF or CR as ends of lines. */
function endOfEvents(bytes: Buffer): number {
  const lf = bytes.lastIndexOf('\n\n');
  const crlf = bytes.lastIndexOf('\n\r\n');
  const cr = bytes.lastIndexOf('\r\r');
  return Math.max(lf === -1 ? 0 : lf + 2, crlf === -1 ? 0 : crlf + 3, cr === -1 ? 0 : cr + 2);
}

/** Searches line by line: a search for each kind of blank line would look through everything that follows. */
export function endOfEvent(events: Buffer, start: number): number {
  const end = endOfLines(events, start);
  // Lines that end with CR only are within what looks like one line.
  const cr = events.subarray(start, end).indexOf('\r\r');
  return cr === -1 ? end : start + cr + 2;
}

function endOfLines(events: Buffer, start: number): number {
  for (let at = events.indexOf('\n', start); at !== -1; at = events.indexOf('\n', at + 1)) {
    if (events[at + 1] === LF) return at + 2;
    if (events[at + 1] === CR && events[at + 2] === LF) return at + 3;
  }
  return events.length;
}
