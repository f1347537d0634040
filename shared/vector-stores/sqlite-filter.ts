import type { SQLInputValue } from 'node:sqlite';
import type { Comparison, Filter } from './filter.ts';

/** A condition, with the values of its placeholders. */
export type Condition = { readonly sql: string; readonly values: readonly SQLInputValue[] };

const OPERATORS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/** Writes a filter as a condition on the column `attributes`, which is a JSON object. */
export function toCondition(filter: Filter): Condition {
  if (!('filters' in filter)) return compare(filter);
  const parts = filter.filters.map(toCondition);
  return {
    sql: `(${parts.map(({ sql }) => sql).join(filter.type === 'and' ? ' and ' : ' or ')})`,
    values: parts.flatMap(({ values }) => values),
  };
}

/** A missing attribute is null, and comparing with null gives neither true nor false. */
function compare({ type, key, value }: Comparison): Condition {
  const path = toPath(key);
  const values = [path, ...(Array.isArray(value) ? value : [value]).map(toValue)];
  const attribute = 'json_extract(attributes, ?)';
  const places = values
    .slice(1)
    .map(() => '?')
    .join(', ');
  switch (type) {
    case 'eq':
      return { sql: `${attribute} = ?`, values };
    case 'ne':
      return { sql: `${attribute} is not ?`, values };
    case 'in':
      return { sql: `${attribute} in (${places})`, values };
    case 'nin':
      return { sql: `coalesce(${attribute} not in (${places}), 1)`, values };
    default:
      return { sql: `${attribute} ${OPERATORS[type]} ?`, values };
  }
}

/** JSON's true and false are 1 and 0 in SQLite. */
function toValue(value: string | number | boolean): SQLInputValue {
  return typeof value === 'boolean' ? Number(value) : value;
}

function toPath(key: string): string {
  return `$.${JSON.stringify(key)}`;
}
