import type { Attributes } from './attributes.ts';
import type { Comparison, Filter } from './filter.ts';

/** An attribute in the index, whose fields are the same for all stores. */
export type Entry = {
  readonly key: string;
  readonly text?: string;
  readonly number?: number;
  readonly flag?: boolean;
};

type Value = string | number | boolean;

const FIELDS = { string: 'text', number: 'number', boolean: 'flag' } as const;

function fieldOf(value: Value): 'text' | 'number' | 'flag' {
  return FIELDS[typeof value as keyof typeof FIELDS];
}

export function toEntries(attributes: Attributes): Entry[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, [fieldOf(value)]: value }));
}

export function toAttributes(entries: readonly Entry[]): Attributes {
  return Object.fromEntries(
    entries.map(({ key, text, number, flag }) => [key, text ?? number ?? flag ?? '']),
  );
}

const OPERATORS = { gt: 'gt', gte: 'ge', lt: 'lt', lte: 'le' } as const;

/** Writes a filter in the syntax of https://learn.microsoft.com/azure/search/search-query-odata-filter. */
export function toODataFilter(filter: Filter): string {
  if (!('filters' in filter)) return compare(filter);
  return `(${filter.filters.map(toODataFilter).join(` ${filter.type} `)})`;
}

function compare({ type, key, value }: Comparison): string {
  const values: readonly Value[] = Array.isArray(value) ? value : [value];
  const test = (operator: string) =>
    values.map((one) => `a/${fieldOf(one)} ${operator} ${literal(one)}`).join(' or ');
  const any = (operator: string) =>
    `attributes/any(a: a/key eq ${quote(key)} and (${test(operator)}))`;
  switch (type) {
    case 'eq':
    case 'in':
      return any('eq');
    case 'ne':
    case 'nin':
      return `not ${any('eq')}`;
    default:
      return any(OPERATORS[type]);
  }
}

function literal(value: Value): string {
  return typeof value === 'string' ? quote(value) : String(value);
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
