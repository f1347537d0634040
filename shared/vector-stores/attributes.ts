import * as z from 'zod';
import { InvalidRequestError } from '../base/errors.ts';

/** The name of an attribute; quotes and backslashes cannot be written safely in a path into JSON. */
export const attributeKey = z
  .string()
  .regex(/^[^"\\\p{Cc}]{1,64}$/u, 'must be 1 to 64 characters, without quotes and backslashes');

const attributeValue = z.union([z.string().max(512), z.number(), z.boolean()]);

/** The limits are OpenAI's, except for those of the keys. */
export const attributesSchema = z
  .record(attributeKey, attributeValue)
  .refine((attributes) => Object.keys(attributes).length <= 16, 'has more than 16 keys');
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The type of each attribute's values in a store, which is that of the first value added. */
export type AttributeTypes = Readonly<Record<string, 'string' | 'number' | 'boolean'>>;

/** The most attributes that the items of a store may have together. */
const MAX_ATTRIBUTES = 256;

type Item = { readonly attributes?: Attributes | null | undefined };

/** Throws an InvalidRequestError for an attribute whose type differs from before, or for too many. */
export function mergeAttributeTypes(known: AttributeTypes, items: readonly Item[]): AttributeTypes {
  const types = new Map(Object.entries(known));
  for (const [index, { attributes }] of items.entries()) {
    for (const [key, value] of Object.entries(attributes ?? {})) {
      const type = typeof value as AttributeTypes[string];
      const before = types.get(key) ?? type;
      if (before !== type) {
        const param = `items.${index}.attributes.${key}`;
        throw new InvalidRequestError(
          `${param} is a ${type}, but in this vector store it is a ${before}.`,
          { param },
        );
      }
      types.set(key, type);
    }
  }
  if (types.size > MAX_ATTRIBUTES) {
    throw new InvalidRequestError(
      `items would give the vector store ${types.size} attributes; it may have ${MAX_ATTRIBUTES}.`,
      { param: 'items' },
    );
  }
  return Object.fromEntries(types);
}
