import * as z from 'zod';
import type { RawSnapshot } from './bicep.ts';

const resourceSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  name: z.string(),
});

const snapshotSchema = z.object({
  outputs: z.record(z.string(), z.unknown()),
  resources: z.array(resourceSchema),
});

/** A resource as the compiler predicts it. A value that only Azure knows is an expression: `"[...]"`. */
export type Resource = Readonly<z.infer<typeof resourceSchema>>;

/** One evaluated parameter set. */
export type Snapshot = {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly resources: readonly Resource[];
};

/** Stands for an API's OpenAPI document. */
const apiDocumentSchema = z.object({
  operations: z.array(z.string()),
  security: z.unknown().optional(),
});
export type ApiDocument = Readonly<z.infer<typeof apiDocumentSchema>>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** Parses a snapshot. Throws when the text is not one. */
export function parseSnapshot(text: string): Snapshot {
  return snapshotSchema.parse(JSON.parse(text));
}

export function formatSnapshot(snapshot: Snapshot): string {
  return `${JSON.stringify(snapshot, null, 2)}\n`;
}

/**
 * Prepares a snapshot for review: an OpenAPI document becomes the list of its operations, a policy
 * becomes its lines, and everything is sorted.
 */
export function normalise({ predictedResources, outputs }: RawSnapshot): Snapshot {
  const resources = predictedResources
    .map((resource) => resourceSchema.parse(sorted(readable(resource))))
    .toSorted((a, b) => compare(a.id, b.id));
  return { outputs: sorted(outputs) as Snapshot['outputs'], resources };
}

export function ofType(snapshot: Snapshot, type: string): readonly Resource[] {
  const wanted = type.toLowerCase();
  return snapshot.resources.filter((resource) => resource.type.toLowerCase() === wanted);
}

/** Returns the value at a path such as `properties.siteConfig.minTlsVersion`. */
export function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => {
    return isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, value);
}

/** Returns the document that an API imports, as stored in a snapshot. */
export function apiDocumentOf(api: Resource): ApiDocument | undefined {
  return apiDocumentSchema.safeParse(valueAt(api, 'properties.value')).data;
}

export function isPolicy({ type }: Resource): boolean {
  return /^Microsoft\.ApiManagement\/.*\bpolicies$/i.test(type);
}

/** Returns the policy's XML. */
export function policyTextOf(policy: Resource): string {
  const lines = valueAt(policy, 'properties.value');
  return Array.isArray(lines) ? lines.join('\n') : String(lines);
}

/** Lists the operations of an OpenAPI document, such as `GET /ready`. */
export function operationsOf(document: unknown): readonly string[] {
  const paths = valueAt(document, 'paths');
  if (!isRecord(paths)) return [];
  return Object.entries(paths)
    .flatMap(([path, item]) =>
      METHODS.filter((method) => valueAt(item, method) !== undefined).map(
        (method) => `${method.toUpperCase()} ${path}`,
      ),
    )
    .toSorted(compare);
}

function readable(resource: Resource): Resource {
  const { properties } = resource;
  const value = valueAt(properties, 'value');
  if (!isRecord(properties) || typeof value !== 'string') return resource;
  if (isPolicy(resource)) {
    return { ...resource, properties: { ...properties, value: value.trimEnd().split(/\r?\n/) } };
  }
  if (!String(properties['format']).startsWith('openapi')) return resource;
  const document: unknown = JSON.parse(value);
  const security = valueAt(document, 'security');
  const shown = { operations: operationsOf(document), ...(security !== undefined && { security }) };
  return { ...resource, properties: { ...properties, value: shown } };
}

/** Keys that say what a resource is come first, then the others in alphabetical order. */
const FIRST = ['type', 'name', 'id', 'apiVersion'];

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const keys = Object.keys(value).toSorted((a, b) => rank(a) - rank(b) || compare(a, b));
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
}

function rank(key: string): number {
  const index = FIRST.indexOf(key);
  return index === -1 ? FIRST.length : index;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Compares by code units, independent of the machine's language. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
