import { createSchemas, type Json, reference } from './components.ts';
import { type Operation, TAGS } from './operation.ts';
import { operations } from './operations.ts';
import { QUERY } from './query-parameters.ts';

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
  const { access, tag, summary, description, body, responses } = operation;
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
    responses,
  };
}

function parametersOf(operation: Operation): readonly Json[] {
  const { path, access, routes, isConditional, isIdempotent, query = [] } = operation;
  return [
    ...(path.includes('{deployment}') ? [DEPLOYMENT] : []),
    ...(path.includes('{name}') ? [NAME] : []),
    ...(path.includes('{id}') ? [ID] : []),
    ...(path.includes('{item}') ? [ITEM] : []),
    ...(access === 'key' ? [API_VERSION] : []),
    ...query.map((name) => QUERY[name]),
    ...(isConditional ? CONDITIONS : []),
    ...(isIdempotent ? [IDEMPOTENCY_KEY] : []),
    ...(routes ? ROUTING_HEADERS : []),
  ];
}

const NAME: Json = {
  name: 'name',
  in: 'path',
  required: true,
  description: 'The name of the entry, or of the file.',
  schema: { type: 'string' },
  example: 'middle',
};

const ID: Json = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of the thread, of the vector store, or of the request.',
  schema: { type: 'string' },
  example: 'thread_0d9c2f6f3e0b4c1d8a7e5b9f1c2d3e4f',
};

const ITEM: Json = {
  name: 'item',
  in: 'path',
  required: true,
  description: 'The id of the embedding.',
  schema: { type: 'string' },
  example: 'leave',
};

const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Of a thread: a request that is sent again with the same one adds nothing twice, and has the answer that it had.',
  schema: { type: 'string', maxLength: 256 },
  example: '0f6f2c1e',
};

const CONDITIONS: readonly Json[] = [
  {
    name: 'If-Match',
    in: 'header',
    description: 'The ETag that the entry must have, or * for any: else 412.',
    schema: { type: 'string' },
    example: '"3"',
  },
  {
    name: 'If-None-Match',
    in: 'header',
    description: '*: there must be no such entry.',
    schema: { type: 'string' },
    example: '*',
  },
];

const DEPLOYMENT: Json = {
  name: 'deployment',
  in: 'path',
  required: true,
  description: '`smart-router`, or the name of a deployment.',
  schema: { type: 'string' },
  example: 'smart-router',
};

const API_VERSION: Json = {
  name: 'api-version',
  in: 'query',
  description: 'Sent by Azure OpenAI clients; ignored.',
  schema: { type: 'string' },
  example: '2024-10-21',
};

const share: Json = { type: 'number', minimum: 0, maximum: 1 };

const ROUTING_HEADERS: readonly Json[] = [
  {
    name: 'x-smart-router-thread',
    in: 'header',
    description: 'The thread that the request continues; excludes another `thread_id`.',
    schema: { type: 'string' },
    example: 'thread_0d9c2f6f3e0b4c1d8a7e5b9f1c2d3e4f',
  },
  {
    name: 'X-USE_CASE',
    in: 'header',
    description:
      'Names the kind of work in the log: up to 64 letters, digits and `_.:-`; what is no such name is left out. `x-use-case` is read as well.',
    schema: { type: 'string' },
    example: 'support',
  },
  {
    name: 'x-smart-router-threshold',
    in: 'header',
    description: 'The threshold of this request. `routing` in the body wins; excludes the share.',
    schema: share,
    example: 0.3,
  },
  {
    name: 'x-smart-router-strong-share',
    in: 'header',
    description: 'The strong share of this request. `routing` in the body wins.',
    schema: share,
    example: 0.2,
  },
];
