import type * as z from 'zod';
import { isName } from '../access/caller.ts';
import { InvalidRequestError } from '../base/errors.ts';
import { priceSchema } from '../spending/price.ts';
import { type Definitions, deploymentSchema, type Kind, useCaseSchema } from './definitions.ts';
import { nearestName } from './nearest-name.ts';

/** Fields of answers that are not part of a definition: a PUT of a GET's answer has them too. */
const READ_ONLY = [
  'object',
  'source',
  'version',
  'updated_at',
  'updated_by',
  'spent_today',
  'scored_as',
];

const SCHEMAS = { deployment: deploymentSchema, use_case: useCaseSchema };

/** The fields at each place of a definition, for messages about mistyped ones. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  deployment: ['name', ...Object.keys(deploymentSchema.shape)],
  use_case: ['name', ...Object.keys(useCaseSchema.shape)],
  price: Object.keys(priceSchema.shape),
  auth: ['type', 'name'],
};

/** Names that can be a part of a path and that are not the router's own. */
const DEPLOYMENT_NAME = /^(?!smart-router$|router-mf-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** True if an entry can have this name, which is used in keys and queries of the table. */
export function isEntryName(kind: Kind, name: string): boolean {
  return kind === 'deployment' ? DEPLOYMENT_NAME.test(name) : isName(name);
}

/** Throws an InvalidRequestError if an entry cannot have this name. */
export function checkName(kind: Kind, name: string): void {
  if (isEntryName(kind, name)) return;
  const rule =
    kind === 'deployment'
      ? 'up to 64 letters, digits and . _ -, begin with a letter or digit, and neither be smart-router nor begin with router-mf-'
      : 'up to 64 letters, digits and . _ : -';
  throw new InvalidRequestError(`The name of a ${wordOf(kind)} must have ${rule}.`, {
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
    throw new InvalidRequestError('The body is not a JSON object.', { param: 'body' });
  }
  const { name: given, ...fields } = body as Readonly<Record<string, unknown>>;
  if (given !== undefined && given !== name) {
    throw new InvalidRequestError(
      `name must be the name in the path, ${name}, or be left out: an entry cannot be renamed.`,
      { param: 'name' },
    );
  }
  const own = Object.entries(fields).filter(([field]) => !READ_ONLY.includes(field));
  const parsed = SCHEMAS[kind].safeParse(Object.fromEntries(own));
  if (!parsed.success) throw toError(kind, parsed.error);
  return parsed.data as Definitions[K];
}

function toError(kind: Kind, { issues }: z.ZodError): InvalidRequestError {
  // A mistyped field is often reported as missing as well.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const place = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys') {
    const unknown = issue.keys[0] ?? '';
    const known = FIELDS[place[0] ?? kind] ?? [];
    const param = [...place, unknown.slice(0, 64)].join('.');
    const nearest = nearestName(unknown, known);
    const hint =
      nearest === undefined
        ? `The fields are ${known.join(', ')}.`
        : `Did you mean ${[...place, nearest].join('.')}?`;
    return new InvalidRequestError(`${param} is not a field of a ${wordOf(kind)}. ${hint}`, {
      param,
    });
  }
  const param = place.join('.') || 'body';
  return new InvalidRequestError(`${param}: ${issue?.message.slice(0, 300) ?? 'is not valid'}.`, {
    param,
  });
}
