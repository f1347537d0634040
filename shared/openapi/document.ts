import { createSchemas, type Json, reference } from './components.ts';
import { type Operation, TAGS } from './operation.ts';
import { operations } from './operations.ts';
import { parametersOf } from './parameters.ts';
import { responsesOf } from './responses.ts';

// API Management imports this document. What it does not take is avoided, and a test holds that:
// components other than schemas, schemas written out in a body, recursion, the words of JSON Schema
// that OpenAPI 3.0 lacks (`const`, lists of types, `examples`, `$defs`), and two parameters of one
// name in a URL. It ignores security and sets its own; its operations get the operationIds as names.
// https://learn.microsoft.com/azure/api-management/api-management-api-import-restrictions

/** The HTTP surface as OpenAPI 3.1; `version` is the product's. */
export function createDocument(version: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Smart Router',
      version,
      description:
        'A drop-in Azure OpenAI endpoint that sends each prompt to the cheapest model that will answer it well. Every error has the body of the schema Error.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/' }],
    security: [{ 'api-key': [] }, { bearer: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: createPaths(),
    components: {
      schemas: createSchemas(),
      securitySchemes: {
        'api-key': {
          type: 'apiKey',
          in: 'header',
          name: 'api-key',
          description: 'A key of the router, or a subscription key of the front door.',
        },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'The same key, or an access token of Microsoft Entra ID.',
        },
      },
    },
  };
}

/** A path with several methods has them in one object. */
function createPaths(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [id, operation] of Object.entries<Operation>(operations)) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: describe(id, operation),
    };
  }
  return paths;
}

function describe(operationId: string, operation: Operation): Json {
  const { access, tag, summary, description, body } = operation;
  return {
    operationId,
    tags: [tag],
    summary,
    description,
    ...(access === 'open' && { security: [] }),
    parameters: parametersOf(operation),
    ...(body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: reference(body.schema), example: body.example } },
      },
    }),
    responses: responsesOf(operation),
  };
}
