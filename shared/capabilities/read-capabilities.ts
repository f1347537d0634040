import type { SettingsReader } from '../base/settings-reader.ts';
import {
  type ApiStyle,
  type Capabilities,
  EFFORTS,
  FEATURES,
  SAMPLING,
  TOKEN_LIMITS,
  TOOLS_EXCLUDE_REASONING,
  UNKNOWN_MODEL,
} from './capabilities.ts';
import { capabilitiesOf } from './known-models.ts';

/** Returns the meaning of a value; undefined for an invalid one. */
type Parse = (value: string, before: Capabilities) => Partial<Capabilities> | undefined;

const COUNTS = {
  context: 'contextTokens',
  input: 'inputTokens',
  output: 'outputTokens',
} as const;

/**
 * The capabilities that can be configured, in settings as `name=value`, in the registry as JSON.
 */
const PARSERS: ReadonlyMap<string, Parse> = new Map<string, Parse>([
  ...Object.entries(COUNTS).map(([name, field]): [string, Parse] => [name, parseCount(field)]),
  ...FEATURES.map((feature): [string, Parse] => [feature, parseFeature(feature)]),
  [
    'token_limit',
    (value) => choose([...TOKEN_LIMITS, 'both'], value, (tokenLimit) => ({ tokenLimit })),
  ],
  ['sampling', (value) => choose(SAMPLING, value, (sampling) => ({ sampling }))],
  [
    'reasons_by_default',
    (value) => choose(['yes', 'no'], value, (said) => ({ reasonsByDefault: said === 'yes' })),
  ],
  [
    'tools_exclude_reasoning',
    (value) => choose(TOOLS_EXCLUDE_REASONING, value, (said) => ({ toolsExcludeReasoning: said })),
  ],
  ['efforts', parseEfforts],
]);

/**
 * Reads the capabilities of a deployment: the table's entry of its model, overridden by its
 * setting.
 */
export function readCapabilities(
  read: SettingsReader,
  prefix: 'STRONG' | 'WEAK' | 'EMBEDDING',
  { modelName, apiStyle }: { readonly modelName: string; readonly apiStyle: ApiStyle },
): Capabilities {
  // All embedding models are asked in the same way.
  if (prefix === 'EMBEDDING') return UNKNOWN_MODEL;
  const setting = `${prefix}_CAPABILITIES`;
  const seen = new Set<string>();
  let capabilities = capabilitiesOf(modelName, apiStyle);
  for (const part of read.text(setting)?.split(',') ?? []) {
    const [name = '', value = '', more] = part.split('=').map((side) => side.trim());
    const said = more === undefined ? parseCapability(name, value, capabilities) : undefined;
    if (said === undefined) {
      read.problem(
        `${setting} must look like "context=128000,images=no,efforts=low|high" with names and values of docs/capabilities.md; "${part}" does not.`,
      );
    } else if (seen.has(name)) {
      read.problem(`${setting} sets ${name} twice: keep one of the two.`);
    } else {
      capabilities = { ...capabilities, ...said };
    }
    seen.add(name);
  }
  return capabilities;
}

/** Parses one capability; undefined for an unknown name or an invalid value. */
export function parseCapability(
  name: string,
  value: string,
  before: Capabilities,
): Partial<Capabilities> | undefined {
  return PARSERS.get(name)?.(value, before);
}

export const CAPABILITY_NAMES: readonly string[] = [...PARSERS.keys()];

function parseCount(field: (typeof COUNTS)[keyof typeof COUNTS]): Parse {
  return (value) => (/^[1-9]\d{0,11}$/.test(value) ? { [field]: Number(value) } : undefined);
}

function parseFeature(feature: (typeof FEATURES)[number]): Parse {
  return (value, { lacks }) =>
    choose(['yes', 'no'], value, (said) => {
      const others = [...lacks].filter((one) => one !== feature);
      return { lacks: new Set(said === 'yes' ? others : [...others, feature]) };
    });
}

/** Parses `none|low|high`, or `no` for a model that does not know the field. */
function parseEfforts(value: string): Partial<Capabilities> | undefined {
  const efforts = value === 'no' ? [] : value.split('|').map((effort) => effort.trim());
  const known: readonly string[] = EFFORTS;
  return efforts.every((effort) => known.includes(effort)) ? { efforts } : undefined;
}

function choose<T extends string>(
  allowed: readonly T[],
  value: string,
  meaning: (chosen: T) => Partial<Capabilities>,
): Partial<Capabilities> | undefined {
  const chosen = allowed.find((one) => one === value);
  return chosen === undefined ? undefined : meaning(chosen);
}
