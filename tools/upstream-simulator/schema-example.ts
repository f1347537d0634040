/** The keywords that are read. A schema comes from a request, so each one can hold any value. */
type Schema = {
  readonly type?: unknown;
  readonly const?: unknown;
  readonly enum?: unknown;
  readonly $ref?: unknown;
  readonly anyOf?: unknown;
  readonly oneOf?: unknown;
  readonly allOf?: unknown;
  readonly properties?: unknown;
  readonly required?: unknown;
  readonly items?: unknown;
  readonly minItems?: unknown;
  readonly minLength?: unknown;
  readonly minimum?: unknown;
};

type ExampleOptions = {
  /** Whether to fill optional properties as well. */
  readonly optionalProperties: boolean;
};

// A schema may refer to itself; the example stops at this depth.
const MAX_DEPTH = 8;
// The value is an example, not a load test.
const MAX_ITEMS = 100;

/** Returns a small value that fits a JSON schema of the kinds that structured outputs and tools use. */
export function schemaExample(schema: unknown, options: ExampleOptions): unknown {
  return fill(schema, 0);

  function fill(part: unknown, depth: number): unknown {
    if (!isRecord(part) || depth > MAX_DEPTH) return null;
    const chosen = fixedValue(part);
    if (chosen !== undefined) return chosen;
    const inner = findInnerSchema(part, schema);
    if (inner !== undefined) return fill(inner, depth + 1);
    switch (findType(part)) {
      case 'object':
        return fillObject(part, depth);
      case 'array':
        return Array.from({ length: Math.min(numberOr(part.minItems, 0), MAX_ITEMS) }, () =>
          fill(part.items, depth + 1),
        );
      default:
        return primitive(part);
    }
  }

  function fillObject(part: Schema, depth: number): Record<string, unknown> {
    const properties = isRecord(part.properties) ? part.properties : {};
    const required = Array.isArray(part.required) ? part.required : [];
    const wanted = Object.entries(properties).filter(
      ([name]) => options.optionalProperties || required.includes(name),
    );
    return Object.fromEntries(wanted.map(([name, value]) => [name, fill(value, depth + 1)]));
  }
}

function fixedValue(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const;
  return Array.isArray(schema.enum) ? schema.enum[0] : undefined;
}

function findInnerSchema(schema: Schema, root: unknown): unknown {
  const reference = schema.$ref;
  if (typeof reference === 'string') return resolve(reference, root);
  for (const alternatives of [schema.anyOf, schema.oneOf, schema.allOf]) {
    if (Array.isArray(alternatives)) return alternatives[0];
  }
  return undefined;
}

/** Follows a reference within the document, such as `#/$defs/step`. */
function resolve(reference: string, root: unknown): unknown {
  let part = root;
  for (const step of reference.split('/').slice(1)) {
    part = isRecord(part) ? part[step] : undefined;
  }
  return part;
}

function findType(schema: Schema): unknown {
  const { type } = schema;
  if (Array.isArray(type)) return type[0];
  return type ?? (isRecord(schema.properties) ? 'object' : undefined);
}

function primitive(schema: Schema): unknown {
  switch (findType(schema)) {
    case 'string':
      return 'example'.padEnd(numberOr(schema.minLength, 0), '.');
    case 'integer':
    case 'number':
      return numberOr(schema.minimum, 1);
    case 'boolean':
      return true;
    default:
      return null;
  }
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback;
}

function isRecord(value: unknown): value is Schema & Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
