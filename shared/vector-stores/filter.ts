import * as z from 'zod';
import { InvalidRequestError } from '../errors.ts';
import type { AttributeTypes } from './vector-store.ts';

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

/** Of an attribute. */
export const attributeKey = z
  .string()
  .regex(/^[^"\\\p{Cc}]{1,64}$/u, 'must be 1 to 64 characters, without quotes and backslashes');
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

/** Compound ones hold others, in any depth: `checkFilter` bounds it. */
export const filterSchema: z.ZodType<Filter> = z.lazy(() =>
  z.union([
    comparisonSchema,
    z.strictObject({ type: z.enum(['and', 'or']), filters: z.array(filterSchema).min(1) }),
  ]),
);

/** Throws an InvalidRequestError for a filter that is too large, or of another type than its attribute. */
export function checkFilter(filter: Filter, types: AttributeTypes): void {
  const { depth, comparisons } = sizeOf(filter);
  if (depth > MAX_DEPTH || comparisons > MAX_COMPARISONS) {
    throw new InvalidRequestError(
      `filters may have ${MAX_COMPARISONS} comparisons, in ${MAX_DEPTH} levels.`,
      { param: 'filters' },
    );
  }
  checkTypes(filter, types);
}

function checkTypes(filter: Filter, types: AttributeTypes): void {
  if ('filters' in filter) {
    for (const one of filter.filters) checkTypes(one, types);
    return;
  }
  const known = Object.hasOwn(types, filter.key) ? types[filter.key] : undefined;
  const values: readonly Value[] = Array.isArray(filter.value) ? filter.value : [filter.value];
  const other = values.find((one) => known !== undefined && typeof one !== known);
  if (other === undefined) return;
  throw new InvalidRequestError(
    `filters compare the attribute ${filter.key} with a ${typeof other}; in this store it is a ${known}.`,
    { param: 'filters' },
  );
}

function sizeOf(filter: Filter): { readonly depth: number; readonly comparisons: number } {
  if (!('filters' in filter)) return { depth: 1, comparisons: 1 };
  let [depth, comparisons] = [0, 0];
  for (const one of filter.filters) {
    const size = sizeOf(one);
    depth = Math.max(depth, size.depth);
    comparisons += size.comparisons;
  }
  return { depth: depth + 1, comparisons };
}
