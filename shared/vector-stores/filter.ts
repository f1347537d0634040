import * as z from 'zod';
import { InvalidRequestError } from '../base/errors.ts';
import { type AttributeTypes, attributeKey } from './attributes.ts';

type Value = string | number | boolean;

/** A comparison of one attribute with a value, or with several values. */
export type Comparison = {
  readonly type: 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'in' | 'nin';
  readonly key: string;
  readonly value: Value | readonly (string | number)[];
};

/** A filter as OpenAI defines it: items without the attribute match only `ne` and `nin`. */
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

/** One level of a filter; `parseFilter` checks the filters inside a compound one. */
export const filterSchema = z.union([
  comparisonSchema,
  z.strictObject({
    type: z.enum(['and', 'or']),
    filters: z
      .array(z.looseObject({ type: z.string() }))
      .min(1)
      .describe('Comparisons or compound filters.'),
  }),
]);
export type SentFilter = z.infer<typeof filterSchema>;

/**
 * Checks a filter. Throws an InvalidRequestError if it is malformed or too large, or compares an
 * attribute with a value of another type.
 */
export function parseFilter(sent: unknown, types: AttributeTypes): Filter {
  let comparisons = 0;

  function parse(value: unknown, depth: number): Filter {
    const parsed = filterSchema.safeParse(value);
    if (!parsed.success) {
      throw invalid(
        'have one that is neither a comparison (key, type, value) nor a compound (and, or)',
      );
    }
    const filter = parsed.data;
    if ('filters' in filter) {
      if (depth === MAX_DEPTH) throw invalid(`may have at most ${MAX_DEPTH} levels`);
      return { type: filter.type, filters: filter.filters.map((one) => parse(one, depth + 1)) };
    }
    comparisons += 1;
    if (comparisons > MAX_COMPARISONS)
      throw invalid(`may have at most ${MAX_COMPARISONS} comparisons`);
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
    `compare the attribute ${name} with a ${typeof other}, but in this vector store it is a ${known}`,
  );
}

function invalid(what: string): InvalidRequestError {
  return new InvalidRequestError(`filters ${what}.`, { param: 'filters' });
}
