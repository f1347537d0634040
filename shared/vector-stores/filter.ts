import * as z from 'zod';
import { InvalidRequestError } from '../base/errors.ts';
import { type AttributeTypes, attributeKey } from './attributes.ts';

type Value = string | number | boolean;

/** One attribute compared with a value, or with any of several. */
export type Comparison = {
  readonly type: 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'in' | 'nin';
  readonly key: string;
  readonly value: Value | readonly (string | number)[];
};

/** OpenAI's filters: `ne` and `nin` hold for what has no such attribute, all others do not. */
export type Filter =
  | Comparison
  | { readonly type: 'and' | 'or'; readonly filters: readonly Filter[] };

const MAX_DEPTH = 8;
const MAX_COMPARISONS = 64;

const key = attributeKey;
const value = z.union([z.string().max(512), z.number(), z.boolean()]);

const comparisonSchema = z.union([
  z.strictObject({ type: z.enum(['eq', 'ne']), key, value }),
  z.strictObject({
    type: z.enum(['gt', 'gte', 'lt', 'lte']),
    key,
    value: z.union([z.string().max(512), z.number()]),
  }),
  z.strictObject({
    type: z.enum(['in', 'nin']),
    key,
    value: z
      .array(z.union([z.string().max(512), z.number()]))
      .min(1)
      .max(256),
  }),
]);

/** One level of it: what a compound one holds is looked at by `parseFilter`. */
export const filterSchema = z.union([
  comparisonSchema,
  z.strictObject({
    type: z.enum(['and', 'or']),
    filters: z
      .array(z.looseObject({ type: z.string() }))
      .min(1)
      .describe('Comparisons, or compound filters in their turn.'),
  }),
]);
export type SentFilter = z.infer<typeof filterSchema>;

/**
 * Throws an InvalidRequestError for a filter that is none, is too large, or compares an attribute with
 * what is of another type.
 */
export function parseFilter(sent: unknown, types: AttributeTypes): Filter {
  let comparisons = 0;

  function parse(value: unknown, depth: number): Filter {
    const parsed = filterSchema.safeParse(value);
    if (!parsed.success) {
      throw invalid('have one that is no comparison (key, type, value) and no compound (and, or)');
    }
    const filter = parsed.data;
    if ('filters' in filter) {
      if (depth === MAX_DEPTH) throw invalid(`may have ${MAX_DEPTH} levels`);
      return { type: filter.type, filters: filter.filters.map((one) => parse(one, depth + 1)) };
    }
    comparisons += 1;
    if (comparisons > MAX_COMPARISONS) throw invalid(`may have ${MAX_COMPARISONS} comparisons`);
    checkType(filter, types);
    return filter;
  }

  return parse(sent, 1);
}

function checkType({ key: name, value: given }: Comparison, types: AttributeTypes): void {
  const known = Object.hasOwn(types, name) ? types[name] : undefined;
  const values: readonly Value[] = Array.isArray(given) ? given : [given];
  const other = values.find((one) => known !== undefined && typeof one !== known);
  if (other === undefined) return;
  throw invalid(
    `compare the attribute ${name} with a ${typeof other}; in this vector store it is a ${known}`,
  );
}

function invalid(what: string): InvalidRequestError {
  return new InvalidRequestError(`filters ${what}.`, { param: 'filters' });
}
