import { extraFieldsOf, withoutExtra } from '../chat-format/given-back.ts';
import { type Capabilities, TOKEN_LIMITS } from './capabilities.ts';
import { isSamplingDefault, type Lessons, SAMPLING_DEFAULTS } from './lessons.ts';
import { effortFor, refusesSampling } from './reasoning.ts';
import { hasTools } from './requirements.ts';

export type AdaptedBody = {
  readonly body: Readonly<Record<string, unknown>>;
  /**
   * The changes, each an item for a header: `temperature;dropped`. They never contain the client's
   * text.
   */
  readonly warnings: readonly string[];
};

/** A body that is being adapted, with the changes so far. */
type Change = { readonly body: Record<string, unknown>; readonly warnings: string[] };

/** Adapts a request to a deployment: renames, lowers or drops the fields that it refuses. */
export function adaptBody(
  body: Readonly<Record<string, unknown>>,
  capabilities: Capabilities,
  lessons: Lessons,
): AdaptedBody {
  const change: Change = { body: { ...body }, warnings: [] };
  const corrected = lessons.correct(capabilities);
  adaptEffort(change, corrected, lessons);
  adaptSampling(change, corrected);
  adaptParallelTools(change, corrected);
  adaptTokenLimit(change, corrected);
  adaptRoles(change, lessons);
  adaptGivenBack(change, lessons);
  for (const field of Object.keys(change.body)) {
    const value = change.body[field];
    if (value != null && lessons.refuses(field, value)) drop(change, field);
  }
  return change;
}

function adaptEffort(change: Change, capabilities: Capabilities, { refuses }: Lessons): void {
  const { reasoning_effort: given } = change.body;
  // A value that is not a text is wrong; the deployment refuses it.
  if (given != null && typeof given !== 'string') return;
  const effort = given ?? undefined;
  const wanted = effortFor(capabilities, { effort, hasTools: hasTools(change.body) });
  const taken = refuses('reasoning_effort', wanted) ? undefined : wanted;
  if (taken === effort) return;
  if (taken === undefined) {
    drop(change, 'reasoning_effort');
  } else {
    change.body['reasoning_effort'] = taken;
    change.warnings.push(`reasoning_effort;set=${taken}`);
  }
}

function adaptSampling(change: Change, capabilities: Capabilities): void {
  const { reasoning_effort: effort } = change.body;
  if (!refusesSampling(capabilities, typeof effort === 'string' ? effort : undefined)) return;
  for (const field of SAMPLING_DEFAULTS.keys()) {
    if (change.body[field] != null) drop(change, field);
  }
}

/**
 * A model that calls one tool at a time does not know the parameter, and behaves as with `false`.
 */
function adaptParallelTools({ body, warnings }: Change, { lacks }: Capabilities): void {
  const { parallel_tool_calls: given = null } = body;
  if (!lacks.has('parallel_tools') || given === null) return;
  delete body['parallel_tool_calls'];
  if (given !== false) warnings.push('parallel_tool_calls;dropped');
}

function adaptTokenLimit(change: Change, { tokenLimit, outputTokens }: Capabilities): void {
  const { body, warnings } = change;
  for (const field of TOKEN_LIMITS) {
    if (tokenLimit === 'both' || field === tokenLimit || body[field] == null) continue;
    if (body[tokenLimit] == null) {
      body[tokenLimit] = body[field];
      delete body[field];
      warnings.push(`${field};renamed=${tokenLimit}`);
    } else {
      drop(change, field);
    }
  }
  for (const field of TOKEN_LIMITS) {
    const limit = body[field];
    if (outputTokens === undefined || typeof limit !== 'number' || limit <= outputTokens) continue;
    body[field] = outputTokens;
    warnings.push(`${field};lowered=${outputTokens}`);
  }
}

function adaptRoles({ body, warnings }: Change, { roleFor }: Lessons): void {
  const { messages } = body;
  if (!Array.isArray(messages)) return;
  const changed = new Set<string>();
  const adapted = messages.map((message: { readonly role: string }) => {
    const role = roleFor(message.role);
    if (role === message.role) return message;
    changed.add(role);
    return { ...message, role };
  });
  if (changed.size > 0) body['messages'] = adapted;
  for (const role of changed) warnings.push(`messages;role=${role}`);
}

/** Leaves out what the deployment gave with its earlier answers and does not take back. */
function adaptGivenBack({ body, warnings }: Change, { refusedExtra }: Lessons): void {
  const { messages } = body;
  if (refusedExtra.size === 0 || !Array.isArray(messages)) return;
  const given = extraFieldsOf(messages);
  const refused = [...refusedExtra].filter((field) => given.has(field));
  if (refused.length === 0) return;
  body['messages'] = withoutExtra(messages, refusedExtra);
  warnings.push(...refused.map((field) => `messages;dropped=${field}`));
}

/** Drops a field, whose name must be known in advance: the warning becomes part of a header. */
function drop({ body, warnings }: Change, field: string): void {
  if (!isSamplingDefault(field, body[field])) warnings.push(`${field};dropped`);
  delete body[field];
}
