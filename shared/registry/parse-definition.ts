import type * as z from 'zod';
import { isName } from '../access/caller.ts';
import { InvalidRequestError } from '../base/errors.ts';
import { priceSchema } from '../spending/price.ts';
import { type Definitions, deploymentSchema, type Kind, useCaseSchema } from './definitions.ts';
import { nearestName } from './nearest-name.ts';

/** What answers say of an entry beside its definition: a PUT of what a GET gave has them too. */
const READ_ONLY = ['object', 'source', 'version', 'updated_at', 'updated_by', 'spent_today'];

const SCHEMAS = { deployment: deploymentSchema, use_case: useCaseSchema };

/** The fields at a place of a definition, for whoever mistypes one. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  deployment: ['name', ...Object.keys(deploymentSchema.shape)],
  use_case: ['name', ...Object.keys(useCaseSchema.shape)],
  price: Object.keys(priceSchema.shape),
  auth: ['type', 'name'],
};

/** Names that a path can have as one of its parts, and that the router does not answer to itself. */
const DEPLOYMENT_NAME = /^(?!smart-router$|router-mf-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Whether an entry can have this name, which then stands in keys and queries of the table. */
export function isEntryName(kind: Kind, name: string): boolean {
  return kind === 'deployment' ? DEPLOYMENT_NAME.test(name) : isName(name);
}

/** Throws an InvalidRequestError when an entry cannot have this name. */
export function checkName(kind: Kind, name: string): void {
  if (isEntryName(kind, name)) return;
  const rule =
    kind === 'deployment'
      ? 'letters, digits and . _ -, up to 64, the first a letter or digit, and not be smart-router or begin with router-mf-'
      : 'letters, digits and . _ : -, up to 64';
  throw new InvalidRequestError(`The name of a ${wordOf(kind)} must be of ${rule}.`, {
    param: 'name',
  });
}

export function wordOf(kind: Kind): string {
  return kind === 'deployment' ? 'deployment' : 'use case';
}

/**
 * Checks a definition as it was sent. Throws an InvalidRequestError that names the first wrong field,
 * and for an unknown one the field that was probably meant.
 */
export function parseDefinition<K extends Kind>(
  kind: K,
  name: string,
  body: unknown,
): Definitions[K] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidRequestError('The body must be a JSON object.', { param: 'body' });
  }
  const { name: given, ...fields } = body as Readonly<Record<string, unknown>>;
  if (given !== undefined && given !== name) {
    throw new InvalidRequestError(
      `name must be that of the path, ${name}, or be left out: an entry cannot be renamed.`,
      { param: 'name' },
    );
  }
  const own = Object.entries(fields).filter(([field]) => !READ_ONLY.includes(field));
  const parsed = SCHEMAS[kind].safeParse(Object.fromEntries(own));
  if (!parsed.success) throw toError(kind, parsed.error);
  return parsed.data as Definitions[K];
}

function toError(kind: Kind, { issues }: z.ZodError): InvalidRequestError {
  // One that is mistyped is often missing as well.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const place = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys') {
    const unknown = issue.keys[0] ?? '';
    const known = FIELDS[place[0] ?? kind] ?? [];
    const param = [...place, unknown.slice(0, 64)].join('.');
    const nearest = nearestName(unknown, known);
    const hint =
      nearest === undefined
        ? `There are ${known.join(', ')}`
        : `Did you mean ${[...place, nearest].join('.')}?`;
    return new InvalidRequestError(`${param} is no field of a ${wordOf(kind)}. ${hint}`, { param });
  }
  const param = place.join('.') || 'body';
  return new InvalidRequestError(`${param}: ${issue?.message.slice(0, 300) ?? 'is not valid'}.`, {
    param,
  });
}
