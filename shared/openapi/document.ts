import { createSchemas, type Json, reference } from './components.ts';
import { type Operation, TAGS } from './operation.ts';
import { operations } from './operations.ts';
import { parametersOf } from './parameters.ts';
import { responsesOf } from './responses.ts';

// API Management imports this document. A test ensures that the document avoids everything that cannot be
// imported: components other than schemas, schemas written out in a body, recursion, the keywords of JSON Schema
// that OpenAPI 3.0 lacks (`const`, lists of types, `examples`, `$defs`), and two parameters of one name in a
// URL. API Management replaces security with its own, and names its operations by the operationIds.
// https://learn.microsoft.com/azure/api-management/api-management-api-import-restrictions

/** Creates the OpenAPI 3.1 document of the HTTP surface. `version` is the version of the product. */
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

/** Groups the operations by path, since a path has all its methods in one object. */
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
