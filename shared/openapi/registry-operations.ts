import type { Json, SchemaName } from './components.ts';
import type { Answer, Operation } from './operation.ts';
import * as examples from './registry-examples.ts';

type Texts = {
  readonly one: string;
  readonly many: string;
  readonly path: Operation['path'];
  readonly entry: SchemaName;
  readonly list: SchemaName;
  readonly body: SchemaName;
  readonly example: Json;
  readonly definition: Json;
};

const DEPLOYMENT: Texts = {
  one: 'deployment',
  many: 'deployments',
  path: '/llm/deployments',
  entry: 'DeploymentEntry',
  list: 'DeploymentEntryList',
  body: 'DeploymentDefinition',
  example: examples.deployment,
  definition: examples.deploymentDefinition,
};

const USE_CASE: Texts = {
  one: 'use case',
  many: 'use cases',
  path: '/llm/use-cases',
  entry: 'UseCaseEntry',
  list: 'UseCaseEntryList',
  body: 'UseCaseDefinition',
  example: examples.useCase,
  definition: examples.useCaseDefinition,
};

const ADMIN = { access: 'admin', tag: 'registry' } as const;
const WRITE_ERRORS = [409, 412] as const;

/** The registry of deployments and the policies of use cases: the same operations on both. */
export const registryOperations = {
  'list-deployments': list(DEPLOYMENT),
  'get-deployment': get(DEPLOYMENT),
  'put-deployment': put(DEPLOYMENT, ['dry_run', 'probe']),
  'patch-deployment': patch(DEPLOYMENT),
  'delete-deployment': remove(DEPLOYMENT),
  'deployment-history': history(DEPLOYMENT),
  'rollback-deployment': rollback(DEPLOYMENT),
  'list-use-cases': list(USE_CASE),
  'get-use-case': get(USE_CASE),
  'put-use-case': put(USE_CASE, ['dry_run']),
  'patch-use-case': patch(USE_CASE),
  'delete-use-case': remove(USE_CASE),
  'use-case-history': history(USE_CASE),
  'rollback-use-case': rollback(USE_CASE),
};

function list({ many, path, list: schema, example }: Texts): Operation {
  return {
    ...ADMIN,
    method: 'GET',
    path,
    summary: `List the ${many}`,
    description: `All ${many}, by name${many === 'deployments' ? ': those of the settings and of the registry that answer chat completions' : ''}.`,
    answers: {
      200: {
        description: `The ${many}.`,
        schema,
        example: { object: 'list', data: [example] },
      },
    },
  };
}

function get(texts: Texts): Operation {
  return {
    ...ADMIN,
    method: 'GET',
    path: `${texts.path}/{name}`,
    summary: `Get a ${texts.one}`,
    description: 'With its version, which is the ETag.',
    answers: { 200: entryAnswer(texts) },
    errors: [404],
  };
}

function put(texts: Texts, query: readonly ('dry_run' | 'probe')[]): Operation {
  return {
    ...ADMIN,
    method: 'PUT',
    path: `${texts.path}/{name}`,
    summary: `Create or replace a ${texts.one}`,
    description:
      'Accepts the answer of a GET, whose read-only fields are ignored. Without If-Match it creates or replaces; with an outdated version it changes nothing (412). It is in force here before the answer, and on every instance within 10 seconds.',
    isConditional: true,
    query,
    body: { schema: texts.body, example: texts.definition },
    answers: {
      200: entryAnswer(texts),
      201: entryAnswer(texts),
    },
    errors: WRITE_ERRORS,
  };
}

function patch(texts: Texts): Operation {
  return {
    ...ADMIN,
    method: 'PATCH',
    path: `${texts.path}/{name}`,
    summary: `Change a ${texts.one}`,
    description: 'A JSON merge patch: fields that are not named stay, and null removes one.',
    isConditional: true,
    query: ['dry_run'],
    body: { schema: 'Patch', example: examples.patch },
    answers: { 200: entryAnswer(texts) },
    errors: WRITE_ERRORS,
  };
}

function remove({ one, path }: Texts): Operation {
  return {
    ...ADMIN,
    method: 'DELETE',
    path: `${path}/{name}`,
    summary: `Delete a ${one}`,
    description:
      'Requests under way finish. Its history stays for a while, and it can be brought back by a rollback.',
    isConditional: true,
    query: ['dry_run'],
    answers: {
      200: {
        description: 'The entry is deleted.',
        schema: 'DeletedEntry',
        example: examples.deleted,
      },
    },
    errors: [404, 409, 412],
  };
}

function history({ one, path }: Texts): Operation {
  return {
    ...ADMIN,
    method: 'GET',
    path: `${path}/{name}/history`,
    summary: `The history of a ${one}`,
    description: 'Each change with its author, time and content, the newest first.',
    answers: {
      200: { description: 'The versions.', schema: 'EntryHistory', example: examples.history },
    },
    errors: [404],
  };
}

function rollback(texts: Texts): Operation {
  return {
    ...ADMIN,
    method: 'POST',
    path: `${texts.path}/{name}/rollback`,
    summary: `Bring back a version of a ${texts.one}`,
    description:
      'Writes it as a new version. Version 1 of a deployment of the settings is its definition there.',
    isConditional: true,
    query: ['dry_run'],
    body: { schema: 'Rollback', example: { version: 2 } },
    answers: { 200: entryAnswer(texts) },
    errors: WRITE_ERRORS,
  };
}

function entryAnswer({ one, entry, example }: Texts): Answer {
  return { headers: 'entry', description: `The ${one} as it is now.`, schema: entry, example };
}
