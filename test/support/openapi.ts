import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';

type Described = { readonly description: string };

type DescribedResponse = Described & {
  readonly headers: Readonly<Record<string, { readonly schema: object }>>;
  readonly content: Readonly<
    Record<string, { readonly schema: { readonly $ref: string }; readonly example: unknown }>
  >;
};

type DescribedParameter = Described & { readonly name: string; readonly in: string };

export type DescribedOperation = Described & {
  readonly operationId: string;
  readonly summary: string;
  readonly security?: readonly object[];
  readonly parameters: readonly DescribedParameter[];
  readonly requestBody?: Pick<DescribedResponse, 'content'>;
  readonly responses: Readonly<Record<string, DescribedResponse>>;
};

export type OpenApiDocument = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
};

/** The committed document. */
export async function readDocument(): Promise<OpenApiDocument> {
  return JSON.parse(await readFile('docs/openapi.json', 'utf8')) as OpenApiDocument;
}

export type ListedOperation = DescribedOperation & {
  readonly path: string;
  readonly method: string;
};

export function listOperations({ paths }: OpenApiDocument): ListedOperation[] {
  return Object.entries(paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({ ...operation, path, method })),
  );
}

/** Checks values against a document's schemas, and returns the validator's messages. */
export function createValidator(document: OpenApiDocument) {
  // Headers are text, so numeric ones are converted. `example` is not a keyword of JSON Schema.
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const textAjv = new Ajv2020({ strict: false, coerceTypes: true });
  ajv.addSchema(document, 'openapi');

  return {
    problemsOf(component: string, value: unknown): string {
      const validate = ajv.compile({ $ref: `openapi#/components/schemas/${component}` });
      return validate(value) ? '' : ajv.errorsText(validate.errors);
    },
    problemsOfText(schema: object, text: string): string {
      const validate = textAjv.compile({ type: 'object', properties: { text: schema } });
      return validate({ text }) ? '' : textAjv.errorsText(validate.errors);
    },
  };
}

/** Returns the component that a body of this media type refers to. */
export function componentOf(
  { content }: Pick<DescribedResponse, 'content'>,
  mediaType: string,
): string {
  const reference = content[mediaType]?.schema.$ref;
  if (reference === undefined) throw new Error(`No body of type ${mediaType} is described.`);
  return reference.replace('#/components/schemas/', '');
}
