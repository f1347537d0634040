/** What a 400 or a 422 says, in whatever form a service gives it; texts are empty where they are missing. */
export type Refusal = {
  readonly code: string;
  readonly param: string;
  readonly message: string;
  /** The single complaints of services that list them, such as those built with FastAPI. */
  readonly details: readonly Detail[];
};

/** A complaint about one place in the request. */
type Detail = {
  /** The top-level field of the request, or an empty text. */
  readonly field: string;
  /** The code and the text of the complaint. */
  readonly text: string;
};

/**
 * The most that is read: refusals take a few hundred bytes, those of content filters a few
 * thousand.
 */
const MAX_BYTES = 64 * 1024;
const MAX_LENGTH = 1_000;
const MAX_DETAILS = 20;

/** The codes of refusals that are about the prompt, not about the parameters. */
const ABOUT_THE_PROMPT = new Set(['content_filter', 'context_length_exceeded']);

/** The complaints about a field that a service does not know, as it marks or words them. */
const UNWANTED =
  /extra_forbidden|value_error\.extra|extra (?:inputs|fields) (?:are )?not permitted/i;

/** The messages that name an unknown field. A message about the value of a field is none of them. */
const NAMING: readonly RegExp[] = [
  /#\/(\w{1,64}): (?:extra|unknown|unrecognized|additional)/i,
  /\b(?:unsupported|unknown|unrecognized|unexpected) (?:parameter|argument|field|property|keyword):? ['"`]?(\w{1,64})/i,
  /['"`](\w{1,64})['"`] (?:was unexpected|is unsupported|is not (?:supported|permitted|allowed))/i,
];

type Fields = Readonly<Record<string, unknown>>;

/** Reads the body of a refusal; undefined when it is not a JSON object, or teaches nothing. */
export function readRefusal(answer: Uint8Array): Refusal | undefined {
  const body = parse(answer);
  if (body === undefined) return undefined;
  const error: Fields = isObject(body['error']) ? body['error'] : {};
  const given: readonly Fields[] = [error, body];
  // Some gateways put the refusal of the service behind them, as it came, into their own message.
  const within = given.map(({ message }) => parseText(message)).filter(isObject);
  const places = [...given, ...within];
  const refusal = {
    code: firstText(places.map((place) => place['code'])),
    param: firstText(places.map((place) => place['param'])),
    message: firstText([error['message'], body['message'], body['error'], body['detail']]),
    details: [
      ...places
        .flatMap((place) => [place['details'], place['detail']])
        .flatMap((list) => (Array.isArray(list) ? list : [list]))
        .filter(isObject)
        .map(readDetail),
      ...given.flatMap(({ message }) => readPython(textOf(message))),
    ].slice(0, MAX_DETAILS),
  };
  return ABOUT_THE_PROMPT.has(refusal.code) ? undefined : refusal;
}

/**
 * Returns the parameters that a refusal calls unknown or unsupported, in the service's spelling.
 */
export function unsupportedParameters(refusal: Refusal): readonly string[] {
  const { code, param, message, details } = refusal;
  const isAboutParam = code === 'unsupported_parameter' || code === 'unknown_parameter';
  if (isAboutParam && param !== '') return [param];
  const listed = details
    .filter(({ field, text }) => field !== '' && UNWANTED.test(text))
    .map(({ field }) => field);
  return listed.length > 0 ? listed : namesIn(message);
}

function namesIn(message: string): readonly string[] {
  const [, listed] =
    /^Unrecognized request arguments? supplied: ([\w, ]{1,500})/.exec(message) ?? [];
  if (listed !== undefined) return listed.split(',').map((name) => name.trim());
  return NAMING.flatMap((pattern) => pattern.exec(message)?.[1] ?? []).slice(0, 1);
}

function readDetail(detail: Fields): Detail {
  const { loc, type, code, msg, message } = detail;
  const path = Array.isArray(loc) ? loc.filter((part) => part !== 'body') : [];
  return {
    field: textOf(path[0]),
    text: [textOf(type), textOf(code), textOf(msg), textOf(message), ...path.map(textOf)].join(' '),
  };
}

/** A complaint of pydantic as Python prints it: `'loc': ('body', 'seed')`. */
const PRINTED_PLACE = /['"]loc['"]: [[(]([^\])]{1,200})[\])]/;

/** A complaint in the text of pydantic's error: the field, and in the next line what is wrong. */
const LISTED_PLACE = /^(\w{1,64})(?:\.[\w.]{1,100})?\n\s{1,8}([^\n]{1,200})/gm;

/** Reads the complaints of services that answer with the text of a Python object. */
function readPython(message: string): Detail[] {
  const printed = message.split(/\}\s*,\s*\{/).flatMap((complaint) => {
    const [, place = ''] = PRINTED_PLACE.exec(complaint) ?? [];
    const [field] = place.match(/\w{1,64}/g)?.filter((part) => part !== 'body') ?? [];
    return field === undefined ? [] : [{ field, text: complaint }];
  });
  const listed = Array.from(message.matchAll(LISTED_PLACE), ([, field = '', text = '']) => {
    return { field, text };
  });
  return [...printed, ...listed];
}

function parseText(message: unknown): Fields | undefined {
  const text = textOf(message);
  return text.startsWith('{') ? parse(Buffer.from(text)) : undefined;
}

function parse(answer: Uint8Array): Fields | undefined {
  if (answer.byteLength > MAX_BYTES) return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(answer).toString('utf8'));
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function firstText(values: readonly unknown[]): string {
  return values.map(textOf).find((text) => text !== '') ?? '';
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_LENGTH) : '';
}
