import { bareName } from '../base/model-name.ts';
import { type ApiStyle, type Capabilities, type Feature, UNKNOWN_MODEL } from './capabilities.ts';

type Facts = Partial<Omit<Capabilities, 'lacks'>> & { readonly lacks?: readonly Feature[] };

/*
 * The sources of the figures:
 * - Windows, images, tools: "Foundry Models sold by Azure" (learn.microsoft.com, September 2026).
 *   A window that the page gives as input and output is kept as these two.
 * - Refusals of reasoning models, parallel tool calls, defaults of the effort: "Azure OpenAI
 *   reasoning models" (same site), and for `stop`, `logprobs` and the efforts the services' own
 *   refusals as users report them (livekit/agents#7169, BerriAI/litellm-docs#1064, vercel/ai#10940).
 * - Tools and reasoning: the same page for gpt-5.6; pipecat-ai/pipecat#4043 for gpt-5.4,
 *   onyx-dot-app/onyx#15008 and bolna-ai/bolna#1019 for gpt-6.
 * Facts without a source are left out.
 */

/** Models that take text and images and do not reason. */
const CLASSIC: Facts = { lacks: ['audio'], efforts: [] };

const GPT_4_1: Facts = {
  ...CLASSIC,
  // The window of Global Standard; other kinds of deployment have less (300,000 or 128,000).
  contextTokens: 1_047_576,
  outputTokens: 32_768,
};

/** Models that always reason. */
const REASONING: Facts = {
  lacks: ['audio', 'logprobs', 'stop'],
  tokenLimit: 'max_completion_tokens',
  sampling: 'never',
  reasonsByDefault: true,
};

const O_SERIES: Facts = {
  ...REASONING,
  inputTokens: 200_000,
  outputTokens: 100_000,
  lacks: ['audio', 'logprobs', 'stop', 'parallel_tools'],
  efforts: ['low', 'medium', 'high'],
};

const GPT_5: Facts = {
  ...REASONING,
  inputTokens: 272_000,
  outputTokens: 128_000,
  efforts: ['minimal', 'low', 'medium', 'high'],
};

/** The models of ChatGPT, whose effort is fixed. */
const GPT_5_CHAT: Facts = { ...REASONING, inputTokens: 111_616, outputTokens: 16_384 };

/** Models whose reasoning can be turned off; then they take what the others refuse. */
const GPT_5_1: Facts = {
  ...GPT_5,
  lacks: ['audio', 'stop'],
  sampling: 'without-reasoning',
  reasonsByDefault: false,
  efforts: ['none', 'low', 'medium', 'high'],
};

const GPT_5_2: Facts = { ...GPT_5_1, efforts: ['none', 'low', 'medium', 'high', 'xhigh'] };

const GPT_5_4_MINI: Facts = { ...GPT_5_2, toolsExcludeReasoning: 'when-given' };

const GPT_5_4: Facts = { ...GPT_5_4_MINI, inputTokens: 922_000 };

const GPT_5_5: Facts = { ...GPT_5_4, reasonsByDefault: true };

const GPT_5_6: Facts = { ...GPT_5_5, toolsExcludeReasoning: 'always' };

const GPT_6: Facts = { ...GPT_5_6, efforts: ['none', 'low', 'medium', 'high', 'xhigh', 'max'] };

/** Models that cannot stop reasoning, and so cannot call tools in chat completions. */
const GPT_6_ASTRA: Facts = {
  ...REASONING,
  inputTokens: 922_000,
  outputTokens: 128_000,
  lacks: ['audio', 'logprobs', 'stop', 'tools', 'parallel_tools'],
  efforts: ['low', 'medium', 'high', 'xhigh'],
};

const AUDIO: Facts = { contextTokens: 128_000, outputTokens: 16_384, efforts: [] };

/** OpenAI's models, on any service. */
const OPENAI_MODELS: Readonly<Record<string, Facts>> = {
  'gpt-4-turbo': {
    ...CLASSIC,
    contextTokens: 128_000,
    outputTokens: 4_096,
    lacks: ['audio', 'json_schema'],
  },
  'gpt-4o': { ...CLASSIC, contextTokens: 128_000, outputTokens: 16_384 },
  'gpt-4o-2024-05-13': {
    ...CLASSIC,
    contextTokens: 128_000,
    outputTokens: 4_096,
    lacks: ['audio', 'json_schema'],
  },
  'gpt-4o-mini': { ...CLASSIC, contextTokens: 128_000, outputTokens: 16_384 },
  'gpt-4o-audio': AUDIO,
  'gpt-4o-mini-audio': AUDIO,
  'gpt-audio': AUDIO,
  'gpt-4.1': GPT_4_1,
  'gpt-4.1-mini': GPT_4_1,
  'gpt-4.1-nano': GPT_4_1,
  o1: O_SERIES,
  o3: O_SERIES,
  'o3-mini': { ...O_SERIES, lacks: ['audio', 'logprobs', 'stop', 'parallel_tools', 'images'] },
  'o4-mini': O_SERIES,
  'gpt-5': GPT_5,
  'gpt-5-mini': GPT_5,
  'gpt-5-nano': GPT_5,
  'gpt-5-chat': { ...CLASSIC, contextTokens: 128_000, outputTokens: 16_384 },
  'gpt-5.1': GPT_5_1,
  'gpt-5.1-chat': GPT_5_CHAT,
  'gpt-5.2': GPT_5_2,
  'gpt-5.2-chat': GPT_5_CHAT,
  'gpt-5.3-chat': GPT_5_CHAT,
  'gpt-5.4': GPT_5_4,
  'gpt-5.4-mini': GPT_5_4_MINI,
  'gpt-5.4-nano': GPT_5_4_MINI,
  'gpt-5.5': GPT_5_5,
  'gpt-5.6': GPT_5_6,
  'gpt-5.6-sol': GPT_5_6,
  'gpt-5.6-terra': GPT_5_6,
  'gpt-5.6-luna': GPT_5_6,
  'gpt-6-sol': GPT_6,
  'gpt-6-luna': GPT_6,
  'gpt-6-astra': GPT_6_ASTRA,
  'gpt-6.1-sol': GPT_6_ASTRA,
};

const TEXT: Facts = { lacks: ['images', 'audio', 'files'] };
const TEXT_WITHOUT_TOOLS: Facts = {
  lacks: ['images', 'audio', 'files', 'tools', 'parallel_tools'],
};
const WITH_IMAGES: Facts = { lacks: ['audio'] };
const IMAGES_WITHOUT_TOOLS: Facts = { lacks: ['audio', 'tools', 'parallel_tools'] };

/**
 * Other makers' models as Foundry serves them; another server of the same weights may support more
 * or less. Their output lengths are left out, since the page does not call them limits.
 */
const FOUNDRY_MODELS: Readonly<Record<string, Facts>> = {
  'gpt-oss-120b': { ...TEXT, contextTokens: 131_072, efforts: ['low', 'medium', 'high'] },
  'gpt-oss-20b': { ...TEXT, contextTokens: 131_072, efforts: ['low', 'medium', 'high'] },
  'cohere-command-a': { ...TEXT, inputTokens: 131_072 },
  'deepseek-r1': { ...TEXT_WITHOUT_TOOLS, inputTokens: 163_840 },
  'deepseek-v3-0324': { ...TEXT, inputTokens: 131_072 },
  'deepseek-v3.1': { ...TEXT, inputTokens: 131_072 },
  'deepseek-v3.2': { ...TEXT_WITHOUT_TOOLS, inputTokens: 128_000 },
  'grok-3': { ...TEXT, inputTokens: 131_072 },
  'grok-4': { ...TEXT, inputTokens: 262_000 },
  'grok-4-fast': { ...WITH_IMAGES, inputTokens: 128_000 },
  'grok-4.1-fast': { ...WITH_IMAGES, inputTokens: 128_000 },
  'grok-code-fast-1': { ...TEXT, inputTokens: 256_000 },
  'kimi-k2.5': { ...WITH_IMAGES, inputTokens: 262_144 },
  'kimi-k2-thinking': { ...TEXT, inputTokens: 262_144 },
  'llama-3.2-11b-vision': { ...IMAGES_WITHOUT_TOOLS, inputTokens: 128_000 },
  'llama-3.2-90b-vision': { ...IMAGES_WITHOUT_TOOLS, inputTokens: 128_000 },
  'llama-3.3-70b': { ...TEXT_WITHOUT_TOOLS, inputTokens: 128_000 },
  'llama-4-maverick': { ...IMAGES_WITHOUT_TOOLS, inputTokens: 1_000_000 },
  'llama-4-scout': { ...IMAGES_WITHOUT_TOOLS, inputTokens: 128_000 },
  'mai-ds-r1': { ...TEXT_WITHOUT_TOOLS, inputTokens: 163_840 },
  'meta-llama-3.1': { ...TEXT_WITHOUT_TOOLS, inputTokens: 131_072 },
  'ministral-3b': { ...TEXT, inputTokens: 131_072 },
  'mistral-large-3': WITH_IMAGES,
  'mistral-medium-2505': { ...IMAGES_WITHOUT_TOOLS, inputTokens: 128_000 },
  'mistral-small-2503': { ...TEXT, inputTokens: 32_768 },
  'codestral-2501': { ...TEXT_WITHOUT_TOOLS, inputTokens: 262_144 },
  'phi-4': { ...TEXT_WITHOUT_TOOLS, inputTokens: 16_384 },
  'phi-4-mini-instruct': { ...TEXT_WITHOUT_TOOLS, inputTokens: 131_072 },
  'phi-4-mini-reasoning': { ...TEXT_WITHOUT_TOOLS, inputTokens: 128_000 },
  'phi-4-multimodal': { lacks: ['tools', 'parallel_tools'], inputTokens: 131_072 },
  'phi-4-reasoning': { ...TEXT_WITHOUT_TOOLS, inputTokens: 32_768 },
};

/** Every model of the table, as Azure serves it. */
export const KNOWN_MODELS: ReadonlyMap<string, Capabilities> = new Map(
  Object.entries({ ...OPENAI_MODELS, ...FOUNDRY_MODELS }).map(([name, { lacks, ...facts }]) => [
    name,
    { ...UNKNOWN_MODEL, ...facts, lacks: new Set(lacks) },
  ]),
);

/**
 * Returns the table's capabilities of a model. Its name may have its maker before it, and a version
 * or any other suffix after it: the longest name of the table with which it begins counts.
 */
export function capabilitiesOf(modelName: string, apiStyle: ApiStyle): Capabilities {
  const name = bareName(modelName);
  let found = '';
  for (const known of KNOWN_MODELS.keys()) {
    const isServed = apiStyle !== 'openai' || known in OPENAI_MODELS;
    if (isServed && known.length > found.length && isVersionOf(name, known)) found = known;
  }
  return KNOWN_MODELS.get(found) ?? UNKNOWN_MODEL;
}

/**
 * Whether a name is a version of a known one: `gpt-5-2025-08-07` is a gpt-5, `gpt-5.9` and `gpt-50`
 * are not.
 */
function isVersionOf(name: string, known: string): boolean {
  return name.startsWith(known) && !/^[a-z0-9.]/.test(name.slice(known.length));
}
