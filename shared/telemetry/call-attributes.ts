import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { CallEnd, CallStart } from '../calls/telemetry.ts';
import { type Deployment, upstreamNameOf } from '../upstream/deployment.ts';

type Target = Readonly<Record<string, string | number>>;

const TARGETS = {
  chat: new WeakMap<Deployment, Target>(),
  embeddings: new WeakMap<Deployment, Target>(),
};

/**
 * The attributes of the GenAI conventions (https://github.com/open-telemetry/semantic-conventions-genai)
 * that have few values, so that metrics have them as well. None reveals a prompt or an answer.
 */
export function describeTarget(operation: CallStart['operation'], deployment: Deployment): Target {
  const known = TARGETS[operation].get(deployment);
  if (known !== undefined) return known;
  const { hostname, port, protocol } = new URL(deployment.endpoint);
  const target = {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': deployment.apiStyle === 'openai' ? 'openai' : 'azure.ai.openai',
    'gen_ai.request.model': upstreamNameOf(deployment),
    'server.address': hostname,
    'server.port': Number(port) || (protocol === 'http:' ? 80 : 443),
  };
  TARGETS[operation].set(deployment, target);
  return target;
}

/** The fields of the body that are not text. */
const FIELDS = [
  ['max_tokens', 'gen_ai.request.max_tokens', 'number'],
  ['max_completion_tokens', 'gen_ai.request.max_tokens', 'number'],
  ['temperature', 'gen_ai.request.temperature', 'number'],
  ['top_p', 'gen_ai.request.top_p', 'number'],
  ['seed', 'gen_ai.request.seed', 'number'],
  ['n', 'gen_ai.request.choice.count', 'number'],
  ['frequency_penalty', 'gen_ai.request.frequency_penalty', 'number'],
  ['presence_penalty', 'gen_ai.request.presence_penalty', 'number'],
  ['stream', 'gen_ai.request.stream', 'boolean'],
] as const;

const OUTPUT_TYPES: Readonly<Record<string, string>> = {
  text: 'text',
  json_object: 'json',
  json_schema: 'json',
};

export function describeRequest({ body, threadId }: CallStart): Attributes {
  const attributes: Record<string, AttributeValue> = {};
  for (const [field, name, type] of FIELDS) {
    const value = body[field];
    if (typeof value === type) attributes[name] = value as number | boolean;
  }
  const format = body['response_format'];
  const type = typeof format === 'object' && format !== null && Reflect.get(format, 'type');
  const output = typeof type === 'string' ? OUTPUT_TYPES[type] : undefined;
  if (output !== undefined) attributes['gen_ai.output.type'] = output;
  if (threadId !== undefined) attributes['gen_ai.conversation.id'] = threadId;
  return attributes;
}

export function describeAnswer(end: CallEnd): Attributes {
  const { status, error, usage } = end;
  return known({
    'http.response.status_code': status,
    'error.type': error,
    'gen_ai.response.id': end.responseId,
    'gen_ai.response.model': end.responseModel,
    'gen_ai.response.finish_reasons': end.finishReasons && [...end.finishReasons],
    'gen_ai.usage.input_tokens': usage?.prompt,
    'gen_ai.usage.output_tokens': usage?.completion,
    'gen_ai.usage.cache_read.input_tokens': usage?.cached,
    'gen_ai.usage.reasoning.output_tokens': usage?.reasoning,
  });
}

/** Returns the attributes that have a value. */
export function known(
  attributes: Readonly<Record<string, AttributeValue | undefined>>,
): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
