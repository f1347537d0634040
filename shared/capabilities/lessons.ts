import { fieldsOf } from '../base/fields-of.ts';
import { extraFieldsOf } from '../chat-format/given-back.ts';
import { type Capabilities, TOKEN_LIMITS, type TokenLimit } from './capabilities.ts';
import { type Refusal, readRefusal, unsupportedParameters } from './read-refusal.ts';

type Body = Readonly<Record<string, unknown>>;

/** The lessons from a deployment's refusals, kept for the life of the process. */
export type Lessons = {
  /** Returns the capabilities with the corrections learned so far. */
  correct(capabilities: Capabilities): Capabilities;
  /** Whether this field is refused with this value. */
  refuses(field: string, value: unknown): boolean;
  /** The fields of its own earlier answers that the deployment does not take back. */
  readonly refusedExtra: ReadonlySet<string>;
  /** Returns the role to send instead of this one. */
  roleFor(role: string): string;
  /**
   * Reads the body of a 400 or a 422 to the request body `sent`; true when the request, adapted again, is
   * worth one more call. Never throws, whatever the answer contains.
   */
  learn(sent: Body, answer: Uint8Array): boolean;
};

/** The defaults of the sampling parameters. Leaving one out only affects the choice of words. */
export const SAMPLING_DEFAULTS: ReadonlyMap<string, number | undefined> = new Map([
  ['temperature', 1],
  ['top_p', 1],
  ['presence_penalty', 0],
  ['frequency_penalty', 0],
  // Its default is not a number.
  ['logit_bias', undefined],
]);

/** The fields that a request can do without: none of them decides the answer's content or form. */
const DROPPABLE = new Set([
  ...SAMPLING_DEFAULTS.keys(),
  'metadata',
  'parallel_tool_calls',
  'prediction',
  'prompt_cache_key',
  'prompt_cache_retention',
  'reasoning_effort',
  'safety_identifier',
  'seed',
  'service_tier',
  'store',
  'stream_options',
  'user',
  'verbosity',
]);

/** Limits on the remembered values: clients choose them, and must not fill the memory. */
const MAX_VALUES = 64;
const MAX_VALUE_LENGTH = 64;

/** A limit on the remembered names, which the deployment chooses. */
const MAX_EXTRA = 32;

/** The wordings of refusals of a field that a message has, rather than one that it lacks. */
const UNWELCOME =
  /not (?:permitted|supported|allowed|accepted|expected)|unsupported|unexpected|unknown|unrecognized|forbidden|\bremove\b|additional/i;

/** The facts learned in addition to the table's. */
type Known = {
  tokenLimit?: TokenLimit;
  outputTokens?: number;
  toolsExcludeReasoning?: Capabilities['toolsExcludeReasoning'];
  readonly roles: Map<string, string>;
  readonly refused: Set<string>;
  readonly refusedExtra: Set<string>;
  readonly refusedUnlessDefault: Set<string>;
  readonly refusedValues: Set<string>;
};

/** Learns from a refusal; true when it tells how to ask differently. */
type Learn = (known: Known, sent: Body, refusal: Refusal) => boolean;

const LEARN: readonly Learn[] = [
  learnTools,
  learnOutputTokens,
  learnRole,
  learnGivenBack,
  learnParameters,
  learnValue,
];

export function createLessons(): Lessons {
  const known: Known = {
    roles: new Map(),
    refused: new Set(),
    refusedExtra: new Set(),
    refusedUnlessDefault: new Set(),
    refusedValues: new Set(),
  };
  return {
    correct: (capabilities) => correct(capabilities, known),
    refuses: (field, value) =>
      known.refused.has(field) ||
      (known.refusedUnlessDefault.has(field) && !isSamplingDefault(field, value)) ||
      known.refusedValues.has(valueKey(field, value)),
    refusedExtra: known.refusedExtra,
    roleFor: (role) => known.roles.get(role) ?? role,
    learn: (sent, answer) => {
      const refusal = readRefusal(answer);
      return refusal !== undefined && LEARN.some((learn) => learn(known, sent, refusal));
    },
  };
}

/** Whether leaving a sampling parameter out changes nothing. */
export function isSamplingDefault(field: string, value: unknown): boolean {
  if (field !== 'logit_bias') return value === SAMPLING_DEFAULTS.get(field);
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function correct(capabilities: Capabilities, known: Known): Capabilities {
  const { tokenLimit, outputTokens, toolsExcludeReasoning } = known;
  return {
    ...capabilities,
    ...(tokenLimit && { tokenLimit }),
    ...(outputTokens && { outputTokens }),
    ...(toolsExcludeReasoning && { toolsExcludeReasoning }),
  };
}

function learnTools(known: Known, sent: Body, { message }: Refusal): boolean {
  if (!message.startsWith('Function tools with reasoning_effort are not supported')) return false;
  const { reasoning_effort: effort } = sent;
  // The model cannot stop reasoning, so it cannot call tools in chat completions.
  if (effort === 'none' || known.refusedValues.has(valueKey('reasoning_effort', 'none'))) {
    return false;
  }
  const isGiven = effort != null && !message.includes("'none'");
  known.toolsExcludeReasoning = isGiven ? 'when-given' : 'always';
  return true;
}

function learnOutputTokens(known: Known, sent: Body, { message }: Refusal): boolean {
  const [, limit] = /supports at most (\d{1,9}) completion tokens/.exec(message) ?? [];
  const isOver = TOKEN_LIMITS.some((field) => Number(sent[field]) > Number(limit));
  if (!isOver || Number(limit) === 0) return false;
  known.outputTokens = Number(limit);
  return true;
}

function learnRole(known: Known, sent: Body, refusal: Refusal): boolean {
  const refused = refusedRole(sent, refusal);
  const other = refused === 'developer' ? 'system' : 'developer';
  if (refused !== 'developer' && refused !== 'system') return false;
  // The model knows neither role.
  if (known.roles.has(other)) return false;
  known.roles.set(refused, other);
  return true;
}

/** The role that a refusal is about: by its place, or, in other words, the `developer` that older services lack. */
function refusedRole(sent: Body, { code, param, message, details }: Refusal): unknown {
  const messages: readonly unknown[] = Array.isArray(sent['messages']) ? sent['messages'] : [];
  const [, index] = /^messages\[(\d{1,4})\]\.role$/.exec(param) ?? [];
  if (index !== undefined) {
    const isValue = code === 'unsupported_value' || code === 'invalid_value';
    return isValue ? fieldsOf(messages[Number(index)])['role'] : undefined;
  }
  const text = [message, ...details.map((one) => one.text)].join(' ');
  const isAboutRole = /\brole\b/i.test(text) || /'system'.{0,200}'assistant'/s.test(text);
  return isAboutRole && messages.some((one) => fieldsOf(one)['role'] === 'developer')
    ? 'developer'
    : undefined;
}

/** Some deployments refuse in a conversation what they gave with an answer: names of fields, as they word it. */
function learnGivenBack(known: Known, sent: Body, { message, details }: Refusal): boolean {
  const texts = [message, ...details.map(({ text }) => text)].filter((text) =>
    UNWELCOME.test(text),
  );
  const words = new Set(texts.flatMap((text) => text.match(/\w{1,64}/g) ?? []));
  const refused = [...extraFieldsOf(sent['messages'])].filter((field) => words.has(field));
  for (const field of refused.slice(0, MAX_EXTRA)) known.refusedExtra.add(field);
  return refused.length > 0 && known.refusedExtra.size <= MAX_EXTRA;
}

function learnParameters(known: Known, sent: Body, refusal: Refusal): boolean {
  const fields = unsupportedParameters(refusal).filter((field) => isGiven(sent, field));
  const limits = fields.filter(isTokenLimit);
  const others = fields.filter((field) => !isTokenLimit(field));
  // With any of these fields left in, the next answer would be the same.
  if (fields.length === 0 || !others.every((field) => DROPPABLE.has(field))) return false;
  for (const field of limits) {
    if (known.tokenLimit === field) return false;
    known.tokenLimit = field === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
  }
  for (const field of others) known.refused.add(field);
  return true;
}

function learnValue(known: Known, sent: Body, { code, param, message }: Refusal): boolean {
  if (code !== 'unsupported_value' && !message.startsWith('Unsupported value: ')) return false;
  const field = param || (/^Unsupported value: '(\w{1,64})'/.exec(message)?.[1] ?? '');
  if (!DROPPABLE.has(field) || !isGiven(sent, field)) return false;
  const value = sent[field];
  if (SAMPLING_DEFAULTS.has(field)) {
    const isDefault = isSamplingDefault(field, value);
    (isDefault ? known.refused : known.refusedUnlessDefault).add(field);
    return true;
  }
  const key = valueKey(field, value);
  if (key === '') return false;
  // Callers choose the values: the oldest is dropped, so that no caller ends the learning for all.
  const [oldest] = known.refusedValues;
  if (known.refusedValues.size >= MAX_VALUES && oldest !== undefined) {
    known.refusedValues.delete(oldest);
  }
  known.refusedValues.add(key);
  return true;
}

function isTokenLimit(field: string): field is TokenLimit {
  const limits: readonly string[] = TOKEN_LIMITS;
  return limits.includes(field);
}

function isGiven(sent: Body, field: string): boolean {
  return Object.hasOwn(sent, field) && sent[field] != null;
}

/** Returns an empty key for a value that is not simple, or is too long to be remembered. */
function valueKey(field: string, value: unknown): string {
  if (typeof value === 'object' || String(value).length > MAX_VALUE_LENGTH) return '';
  return `${field}=${typeof value} ${String(value)}`;
}
