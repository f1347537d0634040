import { fieldsOf } from '../base/fields-of.ts';

/** Texts that come whole in each part in which they come. All other texts come in pieces. */
const WHOLE = /^(id|type|name|role|object|format|model|channel|status)$|_id$|signature$/;

/** The types of list items whose texts come in pieces also where the items are not numbered. */
const TEXT_TYPES = /text|thinking|reasoning|summary/;

/**
 * Puts a field of a streamed answer together: pieces of text are appended, objects are merged field by field,
 * and any other value replaces the one before it. Items of a list go on with the item of the same number or,
 * where they have no numbers, with the last item if that is text of the same type; all others are added.
 * `known` may be changed if it is a list.
 */
export function mergePart(field: string, known: unknown, part: unknown): unknown {
  if (part == null) return known;
  if (Array.isArray(part)) return mergeList(field, known, part);
  if (typeof part === 'object') return mergeObject(known, part);
  if (typeof part !== 'string' || WHOLE.test(field)) return part === '' ? known : part;
  if (Array.isArray(known)) return mergeList(field, known, [{ type: 'text', text: part }]);
  return typeof known === 'string' ? known + part : part;
}

function mergeObject(known: unknown, part: object): object {
  const merged = new Map(Array.isArray(known) ? [] : Object.entries(fieldsOf(known)));
  for (const [field, value] of Object.entries(part)) {
    merged.set(field, mergePart(field, merged.get(field), value));
  }
  // Unlike an assignment, this makes a field of `__proto__`.
  return Object.fromEntries(merged);
}

function mergeList(field: string, known: unknown, parts: readonly unknown[]): unknown[] {
  const list = Array.isArray(known) ? known : textAsList(known);
  for (const part of parts) {
    const at = findPlace(list, part);
    if (at === -1) list.push(mergePart(field, undefined, part));
    else list[at] = mergePart(field, list[at], part);
  }
  return list;
}

/** A text that is continued by a list, as some deployments give their reasoning within the content. */
function textAsList(known: unknown): unknown[] {
  return typeof known === 'string' && known !== '' ? [{ type: 'text', text: known }] : [];
}

/** The place of the item that a part goes on with; -1 for a part that begins an item. */
function findPlace(list: readonly unknown[], part: unknown): number {
  const { index, type, id } = fieldsOf(part);
  if (typeof index === 'number') {
    return list.findLastIndex((one) => {
      const item = fieldsOf(one);
      return item['index'] === index && isSame(item['type'], type) && isSame(item['id'], id);
    });
  }
  const last = fieldsOf(list.at(-1));
  const isText = typeof type === 'string' && TEXT_TYPES.test(type) && last['type'] === type;
  // A signature ends what it signs.
  const isSigned = typeof last['signature'] === 'string' && last['signature'] !== '';
  return isText && isSame(last['id'], id) && !isSigned ? list.length - 1 : -1;
}

function isSame(known: unknown, given: unknown): boolean {
  return known == null || given == null || known === given;
}
