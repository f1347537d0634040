/** A defect of an answer. */
export type Finding = {
  readonly kind: 'lost' | 'doubled' | 'mixed up' | 'malformed' | 'not due';
  readonly what: string;
};

/** A received stream of server-sent events. */
export type EventReading = {
  readonly text: string;
  /** All models that its chunks name. */
  readonly models: ReadonlySet<unknown>;
  /** Whether it ended with [DONE] or an error event; undefined when with neither. */
  readonly end: 'done' | 'error' | undefined;
  readonly findings: readonly Finding[];
};

type Chunk = {
  readonly id?: unknown;
  readonly model?: unknown;
  readonly choices?: readonly Choice[];
  readonly error?: { readonly message?: unknown };
};
type Choice = {
  readonly delta?: { readonly content?: unknown };
  readonly finish_reason?: unknown;
};

type Note = (kind: Finding['kind'], what: string) => void;

/** Reads a whole stream, and notes everything in it that a correct stream does not have. */
export function readEvents(body: string): EventReading {
  const findings: Finding[] = [];
  const note: Note = (kind, what) => findings.push({ kind, what });
  const events = splitEvents(body, note).flatMap((data) => parseEvent(data, note));
  const endAt = events.findIndex(isEnd);
  const end = events[endAt];
  if (end === undefined)
    note('malformed', 'the stream ends with neither [DONE] nor an error event');
  else for (const late of events.slice(endAt + 1)) noteLateEvent(end, late, note);
  const chunks = events.filter((event) => event !== 'done');
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  const finishes = choices.filter((choice) => choice.finish_reason != null).length;
  if (finishes > 1) note('doubled', `${finishes} finish reasons`);
  if (finishes === 0 && end === 'done') note('malformed', '[DONE] without a finish reason');
  if (distinct(chunks, 'id').size > 1) note('mixed up', 'chunks of more than one answer');
  return {
    text: choices.map(({ delta }) => delta?.content ?? '').join(''),
    models: distinct(chunks, 'model'),
    end: end === undefined || end === 'done' ? end : 'error',
    findings,
  };
}

function isEnd(event: Chunk | 'done'): boolean {
  return event === 'done' || event.error !== undefined;
}

/** Notes an event after the end of a stream: a second end or more text means a doubled answer. */
function noteLateEvent(end: Chunk | 'done', late: Chunk | 'done', note: Note): void {
  if (late === 'done' && end === 'done') note('doubled', '[DONE] twice');
  else if (late === 'done') note('malformed', '[DONE] behind an error event');
  else if (late.error === undefined) note('doubled', 'a chunk behind the end');
  else if (end === 'done') note('malformed', 'an error event behind [DONE]');
  else note('doubled', 'two error events');
}

/** Returns the data of each event, without comments. */
function splitEvents(body: string, note: Note): string[] {
  const events = body.split('\n\n');
  if (events.pop() !== '') note('malformed', 'the last event is not complete');
  return events.flatMap((event) => {
    const lines = event.split('\n').filter((line) => !line.startsWith(':'));
    if (lines.some((line) => !line.startsWith('data: '))) {
      note('malformed', `a line is no data: ${event.slice(0, 60)}`);
      return [];
    }
    return lines.length === 0 ? [] : [lines.map((line) => line.slice(6)).join('\n')];
  });
}

function parseEvent(data: string, note: Note): [Chunk | 'done'] | [] {
  if (data === '[DONE]') return ['done'];
  const event = parseObject(data);
  if (event === undefined) {
    note('malformed', `an event is no JSON object: ${data.slice(0, 60)}`);
    return [];
  }
  if (event.error !== undefined && !event.error?.message) {
    note('malformed', 'an error event has no message');
  }
  return [event];
}

function parseObject(text: string): Chunk | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the distinct values, without those of the first event, an annotation with an empty id and model. */
function distinct(chunks: readonly Chunk[], key: 'id' | 'model'): Set<unknown> {
  return new Set(
    chunks.map((chunk) => chunk[key]).filter((value) => value !== '' && value !== undefined),
  );
}
