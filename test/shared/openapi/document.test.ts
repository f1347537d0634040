import { beforeAll, describe, expect, test } from 'vitest';
import { createDocument } from '../../../shared/openapi/document.ts';
import { listOperations, type OpenApiDocument, readDocument } from '../../support/openapi.ts';

let document: OpenApiDocument;
beforeAll(async () => {
  document = await readDocument();
});

/** Every object in the document, with the name of the member that holds it. */
function* objectsIn(node: unknown, member = ''): Generator<[string, Record<string, unknown>]> {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) yield [member, node as Record<string, unknown>];
  for (const [key, value] of Object.entries(node)) {
    // What an example holds is no part of the document.
    if (key !== 'example') yield* objectsIn(value, Array.isArray(node) ? member : key);
  }
}

test('is made from the schemas that check the requests', () => {
  const { components } = createDocument('1.2.3') as OpenApiDocument;
  expect(components['schemas']?.['RouteBatch']).toMatchObject({
    additionalProperties: false,
    required: ['prompts'],
    properties: { prompts: { minItems: 1, maxItems: 1_000 } },
  });
  expect(components['schemas']?.['Routing']).toMatchObject({
    additionalProperties: false,
    properties: { threshold: { minimum: 0, maximum: 1 } },
  });
});

// Its documentation says what it does not take; the words of 3.1 are from reports of its users.
describe('API Management can import the document:', () => {
  test('it is smaller than 4 MB', () => {
    expect(JSON.stringify(document).length).toBeLessThan(4_000_000);
  });

  test('operations keep their identifiers as names, which are short and differ', () => {
    const ids = listOperations(document).map(({ operationId }) => operationId);
    for (const id of ids) expect(id).toMatch(/^[a-z\d]+(-[a-z\d]+)*$/);
    expect(ids.filter((id) => id.length > 76)).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('operations have summaries for display names, which are short and differ', () => {
    const summaries = listOperations(document).map(({ summary }) => summary);
    expect(summaries.filter((summary) => summary.length > 300)).toEqual([]);
    expect(new Set(summaries).size).toBe(summaries.length);
  });

  test('no operation has two parameters of one name, and none in a cookie', () => {
    for (const { parameters } of listOperations(document)) {
      const names = parameters.map(({ name }) => name.toLowerCase());
      expect(new Set(names).size).toBe(names.length);
      expect(parameters.filter((parameter) => parameter.in === 'cookie')).toEqual([]);
    }
  });

  test('every parameter of a path is in its template, and the reverse', () => {
    for (const { path, parameters } of listOperations(document)) {
      const named = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(named).toEqual(inPath);
    }
  });

  test('only schemas are shared, and every body refers to one', () => {
    expect(Object.keys(document.components).toSorted()).toEqual(['schemas', 'securitySchemes']);
    for (const { requestBody, responses } of listOperations(document)) {
      // What has not changed has no body.
      for (const { content = {} } of [requestBody ?? {}, ...Object.values(responses)]) {
        for (const { schema } of Object.values(content))
          expect(Object.keys(schema)).toEqual(['$ref']);
      }
    }
  });

  test('references stay inside the document, and have nothing beside them', () => {
    for (const [, object] of objectsIn(document)) {
      if (!('$ref' in object)) continue;
      expect(object['$ref']).toMatch(/^#\/components\/schemas\/\w+$/);
      expect(Object.keys(object)).toEqual(['$ref']);
    }
  });

  test('no schema refers to itself, not even through others', () => {
    const { schemas = {} } = document.components;
    const referredBy = (name: string) =>
      [...objectsIn(schemas[name])]
        .map(([, object]) => object['$ref'])
        .filter((reference) => typeof reference === 'string')
        .map((reference) => reference.replace('#/components/schemas/', ''));
    for (const name of Object.keys(schemas)) {
      const reached = new Set<string>();
      const open = referredBy(name);
      for (const next of open) {
        if (!reached.has(next)) open.push(...referredBy(next));
        reached.add(next);
      }
      expect([...reached]).not.toContain(name);
    }
  });

  test('schemas use no word that OpenAPI 3.0 lacks but the type null', () => {
    const unknown = /^(\$(?!ref$).*|const|examples|prefixItems|patternProperties|propertyNames)$/;
    const later = /^(unevaluated.*|dependent.*|contains|minContains|maxContains|if|then|else)$/;
    for (const [member, object] of objectsIn(document)) {
      // The names of properties are free.
      if (member === 'properties') continue;
      const words = Object.keys(object);
      expect(words.filter((word) => unknown.test(word) || later.test(word))).toEqual([]);
      if ('type' in object) expect(typeof object['type']).toBe('string');
      // They were true or false, and are taken for that.
      expect(object).not.toHaveProperty('exclusiveMinimum');
      expect(object).not.toHaveProperty('exclusiveMaximum');
    }
  });

  test('no server is named, so that the backend is the one that is set beside the document', () => {
    expect(document).toMatchObject({ servers: [{ url: '/' }] });
  });
});
