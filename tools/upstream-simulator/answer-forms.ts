import type { ChatFrame } from './chat-frame.ts';

/**
 * An odd form that a service or a gateway gives to its answers. The parts that are missing are as
 * Azure OpenAI sends them.
 */
type AnswerForm = {
  /** Changes the events of a stream; `usage` is that of the answer. */
  readonly frames?: (frames: Iterable<ChatFrame>, usage: object) => Iterable<ChatFrame>;
  /** The spaces by which the JSON of events is indented. */
  readonly indent?: number;
  /** Changes the text of an event, whose lines end in line feeds. */
  readonly event?: (text: string, isFirst: boolean) => string;
  /** Changes the body of an answer that is not streamed. */
  readonly body?: (body: object) => object;
  /** True if a request for a stream gets an answer that is not streamed. */
  readonly isWhole?: boolean;
  readonly encoding?: Encoding;
  /** Changes the value of a header that describes the body. */
  readonly header?: (value: string) => string;
};

export type Encoding = 'gzip' | 'br' | 'identity';

// The forms are applied in this order, in which those that change every line and byte come last.
const FORMS = {
  usage_beside: { frames: joinUsage },
  no_done: { frames: (frames) => leaveOut(frames, ['done']) },
  done_fields: { frames: labelDone },
  no_choices: {
    frames: (frames) => leaveOut(frames, ['start', 'content', 'finish']),
    body: (body) => ('choices' in body ? { ...body, choices: [] } : body),
  },
  error_object: { frames: () => [errorFrame({ object: 'error', message: 'Sorry', code: 500 })] },
  error_named: {
    frames: () => [{ ...errorFrame({ message: 'Sorry' }), fields: 'event: error\n' }],
  },
  error_200: { body: () => ({ error: { code: 502, message: 'Sorry' } }), isWhole: true },
  whole: { isWhole: true },
  lines: { indent: 2 },
  comments: { event: (text) => `: ping\n\n: comment\n${text}` },
  crlf: { event: (text) => text.replaceAll('\n', '\r\n') },
  cr: { event: (text) => text.replaceAll('\n', '\r') },
  bom: { event: (text, isFirst) => (isFirst ? `\ufeff${text}` : text) },
  gzip: { encoding: 'gzip' },
  br: { encoding: 'br' },
  identity: { encoding: 'identity' },
  header_case: { header: (value) => value.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()) },
} as const satisfies Readonly<Record<string, AnswerForm>>;

export type FormName = keyof typeof FORMS;

// The keys of the table are the names.
export const FORM_NAMES = Object.keys(FORMS) as readonly FormName[];

/** Several forms as one. */
export type CombinedForm = Required<Omit<AnswerForm, 'encoding'>> & Pick<AnswerForm, 'encoding'>;

export function combineForms(names: readonly FormName[] = []): CombinedForm {
  const forms: readonly AnswerForm[] = FORM_NAMES.filter((name) => names.includes(name)).map(
    (name) => FORMS[name],
  );
  const { encoding } = forms.find((form) => form.encoding !== undefined) ?? {};
  return {
    frames: (frames, usage) =>
      forms.reduce((all, form) => form.frames?.(all, usage) ?? all, frames),
    indent: Math.max(0, ...forms.map(({ indent = 0 }) => indent)),
    event: (text, isFirst) =>
      forms.reduce((written, form) => form.event?.(written, isFirst) ?? written, text),
    body: (body) => forms.reduce((whole, form) => form.body?.(whole) ?? whole, body),
    isWhole: forms.some((form) => form.isWhole),
    ...(encoding && { encoding }),
    header: (value) => forms.reduce((changed, form) => form.header?.(changed) ?? changed, value),
  };
}

/** Returns the headers of an answer with those that describe its body in this form. */
export function formHeaders(
  headers: Readonly<Record<string, string>>,
  { encoding, header }: CombinedForm,
): Record<string, string> {
  return {
    ...headers,
    'content-type': header(headers['content-type'] ?? ''),
    ...(encoding && { 'content-encoding': header(encoding) }),
  };
}

/** Returns a function that writes the events of one stream as text. */
export function createEventWriter({ indent, event }: CombinedForm): (frame: ChatFrame) => string {
  let isFirst = true;
  return ({ payload, fields = '' }) => {
    const data = payload === '[DONE]' ? payload : JSON.stringify(payload, null, indent);
    const text = event(`${fields}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`, isFirst);
    isFirst = false;
    return text;
  };
}

function* leaveOut(
  frames: Iterable<ChatFrame>,
  kinds: readonly ChatFrame['kind'][],
): Generator<ChatFrame> {
  for (const frame of frames) if (!kinds.includes(frame.kind)) yield frame;
}

/** Services that do it like this do not wait to be asked for the usage. */
function* joinUsage(frames: Iterable<ChatFrame>, usage: object): Generator<ChatFrame> {
  for (const frame of leaveOut(frames, ['usage'])) {
    const isLast = frame.kind === 'finish' && frame.payload !== '[DONE]';
    yield isLast ? { ...frame, payload: { ...frame.payload, usage } } : frame;
  }
}

function* labelDone(frames: Iterable<ChatFrame>): Generator<ChatFrame> {
  for (const frame of frames) {
    yield frame.kind === 'done' ? { ...frame, fields: 'event: done\nid: 7\n' } : frame;
  }
}

function errorFrame(payload: object): ChatFrame {
  return { kind: 'done', payload };
}
