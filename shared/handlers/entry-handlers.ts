import * as z from 'zod';
import { type Answer, jsonAnswer } from '../base/answer.ts';
import { untilAborted } from '../base/deadline.ts';
import { InvalidRequestError } from '../base/errors.ts';
import { parseWith } from '../base/parse-with.ts';
import type { Call } from '../calls/call.ts';
import type { Definitions, Kind } from '../registry/definitions.ts';
import { describeHistory } from '../registry/describe-history.ts';
import { type Change, type Editor, type Entry, etagOf } from '../registry/edit-entries.ts';
import { mergePatch } from '../registry/merge-patch.ts';
import { checkName, parseDefinition } from '../registry/parse-definition.ts';
import type { ProbeReport } from '../registry/probe-deployment.ts';
import {
  EntryNotFoundError,
  InSettingsError,
  NoSuchVersionError,
  toRegistryError,
} from '../registry/registry-errors.ts';

export const rollbackSchema = z.strictObject({
  version: z.int().min(1).describe('One of the history.'),
});

type EntryHandlersOptions<K extends Kind> = {
  readonly kind: K;
  readonly editor: Editor<K>;
  readonly settings: ReadonlyMap<string, Definitions[K]>;
  /** Throws if a definition is not valid, or (undefined) if the entry must not be deleted. */
  readonly validate: (name: string, definition: Definitions[K] | undefined) => Promise<void>;
  /** Asks the deployment of a definition whether it answers; absent: entries of this kind cannot be asked. */
  readonly probe?: (name: string, definition: Definitions[K]) => Promise<ProbeReport>;
  /** Returns read-only fields of an entry in addition to its definition. */
  readonly describe?: (
    name: string,
    definition: Definitions[K],
  ) => Readonly<Record<string, unknown>>;
};

type Handle = (call: Call) => Promise<Answer>;

/** The HTTP operations on the entries of one kind. */
export type EntryHandlers = Readonly<
  Record<'list' | 'get' | 'put' | 'patch' | 'remove' | 'history' | 'rollback', Handle>
>;

export function createEntryHandlers<K extends Kind>(
  options: EntryHandlersOptions<K>,
): EntryHandlers {
  const { editor } = options;
  return limited({
    list: async () => {
      const entries = await editor.list();
      return jsonAnswer(200, {
        object: 'list',
        data: entries.map((entry) => entryJson(options, entry)),
      });
    },
    get: async ({ name = '' }) => answer(options, await editor.get(name)),
    put: (call) => put(options, call),
    patch: (call) => patch(options, call),
    remove: (call) => remove(options, call),
    history: async ({ name = '' }) => {
      const data = describeHistory(await editor.history(name), options.settings.get(name));
      return jsonAnswer(200, { object: 'list', data });
    },
    rollback: (call) => rollback(options, call),
  });
}

/** Ends each handler's work with the time of its request. */
function limited(handlers: EntryHandlers): EntryHandlers {
  const entries = Object.entries(handlers).map(([name, handle]) => {
    const limitedHandle: Handle = async (call) => {
      try {
        return await untilAborted(handle(call), call.signal);
      } catch (error) {
        throw call.signal.aborted ? toRegistryError(error) : error;
      }
    };
    return [name, limitedHandle] as const;
  });
  // Every handler is among them.
  return Object.fromEntries(entries) as EntryHandlers;
}

function entryJson<K extends Kind>(
  { kind, describe }: EntryHandlersOptions<K>,
  { name, definition, source, version, at, by }: Entry<K>,
): Record<string, unknown> {
  return {
    object: kind,
    name,
    ...definition,
    source,
    version,
    ...(at !== undefined && { updated_at: at }),
    ...(by !== undefined && { updated_by: by }),
    ...(definition && describe?.(name, definition)),
  };
}

function answer<K extends Kind>(
  options: EntryHandlersOptions<K>,
  entry: Entry<K>,
  { status = 200, more = {} }: { readonly status?: number; readonly more?: object } = {},
): Answer {
  return jsonAnswer(status, { ...entryJson(options, entry), ...more }, { etag: etagOf(entry) });
}

async function put<K extends Kind>(options: EntryHandlersOptions<K>, call: Call): Promise<Answer> {
  const { kind, editor, validate } = options;
  const name = nameOf(call, kind);
  const change = changeOf(call, 'update');
  const isProbed = readFlag(call, 'probe');
  if (isProbed) checkProbe(options, change);
  const definition = parseDefinition(kind, name, call.body);
  let isNew = false;
  async function edit(before: Entry<K> | undefined): Promise<Definitions[K]> {
    isNew = before?.definition === undefined;
    await validate(name, definition);
    return definition;
  }
  const entry = await editor.edit(name, edit, change);
  const probe = isProbed ? await options.probe?.(name, definition) : undefined;
  const status = isNew && !change.isDryRun ? 201 : 200;
  const more = { ...dryRunOf(change), ...(probe && { probe }) };
  return answer(options, entry, { status, more });
}

function checkProbe<K extends Kind>(
  { probe }: EntryHandlersOptions<K>,
  { isDryRun }: Change,
): void {
  if (isDryRun && probe !== undefined) return;
  const why = probe === undefined ? 'is only for deployments' : 'is only allowed with dry_run=true';
  throw new InvalidRequestError(`probe=true ${why}.`, { param: 'probe' });
}

async function patch<K extends Kind>(
  options: EntryHandlersOptions<K>,
  call: Call,
): Promise<Answer> {
  const { kind, editor, validate } = options;
  const name = nameOf(call, kind);
  async function edit(before: Entry<K> | undefined): Promise<Definitions[K]> {
    const definition = before?.definition;
    if (definition === undefined) throw new EntryNotFoundError(kind);
    const next = parseDefinition(kind, name, mergePatch(definition, call.body));
    await validate(name, next);
    return next;
  }
  const change = changeOf(call, 'update');
  const entry = await editor.edit(name, edit, change);
  return answer(options, entry, { more: dryRunOf(change) });
}

async function remove<K extends Kind>(
  options: EntryHandlersOptions<K>,
  call: Call,
): Promise<Answer> {
  const { kind, editor, settings, validate } = options;
  const name = nameOf(call, kind);
  async function edit(before: Entry<K> | undefined): Promise<undefined> {
    if (before?.definition === undefined) throw new EntryNotFoundError(kind);
    if (before.source === 'settings') throw new InSettingsError();
    await validate(name, settings.get(name));
  }
  const change = changeOf(call, 'delete');
  const { version } = await editor.edit(name, edit, change);
  return jsonAnswer(200, {
    object: `${kind}.deleted`,
    name,
    deleted: !change.isDryRun,
    version,
    ...(settings.has(name) && { reverts_to: 'settings' }),
    ...dryRunOf(change),
  });
}

async function rollback<K extends Kind>(
  options: EntryHandlersOptions<K>,
  call: Call,
): Promise<Answer> {
  const { kind, editor, settings, validate } = options;
  const name = nameOf(call, kind);
  const { version } = parseWith(rollbackSchema, call.body);
  const versions = await editor.history(name);
  const definition = versions.find((one) => one.version === version)?.definition;
  // The first version of a deployment of the settings is its current definition there.
  const isOfSettings = version === 1 && settings.has(name);
  if (definition === undefined && !isOfSettings) {
    throw new NoSuchVersionError(versions, settings.has(name));
  }
  async function edit(): Promise<Definitions[K] | undefined> {
    await validate(name, (definition as Definitions[K] | undefined) ?? settings.get(name));
    return definition as Definitions[K] | undefined;
  }
  const change = changeOf(call, 'rollback');
  const entry = await editor.edit(name, edit, change);
  return answer(options, entry, { more: dryRunOf(change) });
}

function nameOf({ name = '' }: Call, kind: Kind): string {
  checkName(kind, name);
  return name;
}

function changeOf(call: Call, action: Change['action']): Change {
  const { caller, header } = call;
  return {
    action,
    by: caller?.name ?? 'anonymous',
    isDryRun: readFlag(call, 'dry_run'),
    condition: { match: header('if-match'), noneMatch: header('if-none-match') },
  };
}

function dryRunOf({ isDryRun }: Change): object {
  return isDryRun ? { dry_run: true } : {};
}

function readFlag({ query }: Call, name: string): boolean {
  const value = query(name);
  if (value === null || value === 'false') return false;
  if (value === 'true') return true;
  throw new InvalidRequestError(`${name} must be true or false.`, { param: name });
}
