import { randomUUID } from 'node:crypto';
import { type ChatRequest, messageText, newestUserText } from './chat-request.ts';
import { type FaultPlan, withoutMarkers } from './fault-plan.ts';
import { schemaExample } from './schema-example.ts';
import { type SimulatedDeployment, servedModel } from './simulated-deployment.ts';
import { estimateTokens } from './token-estimate.ts';

export type ToolCall = { readonly id: string; readonly name: string; readonly arguments: string };

/** One choice of a completion, before it is turned into a plain body or into frames. */
export type ChatAnswer = {
  /** The content, or the tool calls' arguments, in the pieces in which they are streamed. */
  readonly pieces: readonly string[];
  readonly toolCalls: readonly ToolCall[];
  /** The odd numbering of tool calls in a stream, in which each of them is one piece. */
  readonly oddCalls?: FaultPlan['oddCalls'];
  readonly finishReason: 'stop' | 'length' | 'tool_calls' | 'content_filter';
  /** Completion tokens, reasoning tokens included. */
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  /** True if the answer has the fields by which other makers' models give their reasoning. */
  readonly thinksAloud: boolean;
};

type AnswerFacts = {
  readonly deployment: SimulatedDeployment;
  readonly request: ChatRequest;
  readonly plan: FaultPlan;
};

const MAX_ECHO_CHARACTERS = 120;
const BIG_PIECE_BYTES = 16_384;
const BYTES_PER_TOKEN = 4;
const ARGUMENT_PIECE_CHARACTERS = 6;

/** Composes as many answers as the request's `n` asks for. */
export function composeAnswers(facts: AnswerFacts): readonly ChatAnswer[] {
  const count = facts.request.n ?? 1;
  return Array.from({ length: count }, (_, index) =>
    composeAnswer(facts, count === 1 ? '' : ` (choice ${index + 1} of ${count})`),
  ).map((answer) => ({ ...answer, thinksAloud: facts.plan.thinksAloud === true }));
}

/** Estimates the prompt's tokens: those of its text, and 4 more for each message. */
export function estimatePromptTokens({ messages }: ChatRequest): number {
  const texts = messages.map((message) => estimateTokens(messageText(message)) + 4);
  return texts.reduce((sum, tokens) => sum + tokens, 3);
}

function composeAnswer(facts: AnswerFacts, suffix: string): Omit<ChatAnswer, 'thinksAloud'> {
  const { request, plan } = facts;
  const toolCalls = findToolCalls(request, plan);
  if (toolCalls.length > 0) return answerWithTools(toolCalls, plan);
  if (plan.bigBytes !== undefined) return bigAnswer(plan.bigBytes);
  const pieces = contentPieces(facts, suffix);
  const reasoningTokens = plan.reasoningTokens ?? 0;
  const limit = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY;
  const room = Math.max(0, limit - reasoningTokens);
  const kept = pieces.slice(0, plan.filtersOutput ? Math.ceil(pieces.length / 2) : room);
  return {
    pieces: kept,
    toolCalls: [],
    finishReason: finishReason(plan, kept.length < pieces.length),
    completionTokens: Math.min(limit, kept.length + reasoningTokens),
    reasoningTokens: Math.min(limit, reasoningTokens),
  };
}

function finishReason(plan: FaultPlan, isShortened: boolean): ChatAnswer['finishReason'] {
  if (plan.filtersOutput) return 'content_filter';
  return isShortened ? 'length' : 'stop';
}

/** Splits the content into pieces of about one token each. */
function contentPieces({ deployment, request, plan }: AnswerFacts, suffix: string): string[] {
  if (plan.chunks !== undefined) {
    const pieces = Array.from({ length: plan.chunks.count }, (_, index) => `piece ${index + 1} `);
    const shortened = beforeStop(pieces.join(''), request);
    return shortened === undefined ? pieces : splitWords(shortened);
  }
  const format = request.response_format?.type ?? 'text';
  const text = format === 'text' ? prose(deployment, request) + suffix : json(deployment, request);
  const kept = beforeStop(text, request) ?? text;
  return format === 'text' ? splitWords(kept) : splitCharacters(kept, BYTES_PER_TOKEN);
}

function prose(deployment: SimulatedDeployment, request: ChatRequest): string {
  return `This is the simulated answer of ${deployment.name} (${servedModel(deployment)}). You said: ${echo(request)}`;
}

function json(deployment: SimulatedDeployment, request: ChatRequest): string {
  if (request.response_format?.type === 'json_schema') {
    const { schema } = request.response_format.json_schema ?? {};
    return JSON.stringify(schemaExample(schema, { optionalProperties: false }));
  }
  return JSON.stringify({
    deployment: deployment.name,
    model: servedModel(deployment),
    you_said: echo(request),
  });
}

function echo({ messages }: ChatRequest): string {
  const text = withoutMarkers(newestUserText(messages)).replace(/\s+/g, ' ').trim();
  const characters = Array.from(text.slice(0, 2 * MAX_ECHO_CHARACTERS));
  return characters.slice(0, MAX_ECHO_CHARACTERS).join('');
}

/** Returns the text before the first stop sequence, or undefined when it contains none. */
function beforeStop(text: string, { stop }: ChatRequest): string | undefined {
  const ends = [stop ?? []]
    .flat()
    .map((sequence) => (sequence === '' ? -1 : text.indexOf(sequence)))
    .filter((index) => index >= 0);
  return ends.length === 0 ? undefined : text.slice(0, Math.min(...ends));
}

/** Splits a text into words, each with the space before it; long words are split further. */
function splitWords(text: string): string[] {
  return text.match(/\s*\S{1,12}|\s+$/gu) ?? [];
}

function splitCharacters(text: string, size: number): string[] {
  return text.match(new RegExp(`.{1,${size}}`, 'gsu')) ?? [];
}

function bigAnswer(bytes: number): Omit<ChatAnswer, 'thinksAloud'> {
  const filler = 'word '.repeat(BIG_PIECE_BYTES).slice(0, BIG_PIECE_BYTES);
  const full = Math.floor(bytes / BIG_PIECE_BYTES);
  const rest = filler.slice(0, bytes % BIG_PIECE_BYTES);
  return {
    pieces: [...Array.from({ length: full }, () => filler), ...(rest === '' ? [] : [rest])],
    toolCalls: [],
    finishReason: 'stop',
    completionTokens: Math.ceil(bytes / BYTES_PER_TOKEN),
    reasoningTokens: 0,
  };
}

function answerWithTools(
  toolCalls: readonly ToolCall[],
  { reasoningTokens = 0, oddCalls }: FaultPlan,
): Omit<ChatAnswer, 'thinksAloud'> {
  const all = toolCalls.map((call) => call.arguments);
  const pieces = oddCalls
    ? all
    : all.flatMap((text) => splitCharacters(text, ARGUMENT_PIECE_CHARACTERS));
  return {
    pieces,
    toolCalls,
    oddCalls,
    finishReason: 'tool_calls',
    completionTokens: pieces.length + reasoningTokens,
    reasoningTokens,
  };
}

function findToolCalls(request: ChatRequest, plan: FaultPlan): readonly ToolCall[] {
  const { messages, tools, tool_choice: choice } = request;
  const functions = (tools ?? []).flatMap((tool) => (tool.function ? [tool.function] : []));
  const name = typeof choice === 'object' ? choice?.function?.name : undefined;
  // The marker stays in the newest user message while the tool's result comes after it.
  const isAskedFor = plan.callsTool === true && messages.at(-1)?.role !== 'tool';
  const isCalled = name !== undefined || choice === 'required' || isAskedFor;
  const called = functions.find((candidate) => name === undefined || candidate.name === name);
  if (!isCalled || choice === 'none' || called === undefined) return [];
  const example = schemaExample(called.parameters, { optionalProperties: true });
  return Array.from({ length: plan.oddCalls ? 2 : 1 }, () => ({
    id: `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`,
    name: called.name,
    arguments: JSON.stringify(example ?? {}),
  }));
}
