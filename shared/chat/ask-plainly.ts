import type { Call } from '../calls/call.ts';
import { createLessons } from '../capabilities/lessons.ts';
import type { ChatRequest } from '../chat-format/chat-request.ts';
import { messageOf } from '../chat-format/collect-answer.ts';
import { readUsage } from '../chat-format/usage.ts';
import type { Member } from '../registry/fleet.ts';
import { costOf, type Tokens } from '../spending/cost.ts';
import { createBlame } from '../upstream/blame.ts';
import { askDeployment } from './ask-deployment.ts';

/** The text of an answer and its cost in USD; the text is undefined where there is none. */
export type PlainText = { readonly text: string | undefined; readonly usd: number };

type PlainAsk = {
  readonly request: ChatRequest;
  readonly maxAnswerBytes: number;
  /** The tokens that are assumed where the deployment does not count them. */
  readonly estimated: Tokens;
  readonly signal: AbortSignal;
};

/** Asks a deployment for one whole answer, for no caller and without a fallback. Never throws. */
export async function askPlainly(member: Member, ask: PlainAsk): Promise<PlainText> {
  const { stream: _, stream_options: __, n: ___, ...body } = ask.request.upstreamBody;
  const call: Call = {
    requestId: '',
    startedAt: performance.now(),
    signal: ask.signal,
    beginStream: () => undefined,
    hold: { take: () => true },
    header: () => null,
    body: undefined,
    query: () => null,
  };
  const blame = createBlame();
  try {
    const { reply } = await askDeployment(member.upstream, {
      call,
      request: { ...ask.request, stream: false, upstreamBody: body },
      lessons: createLessons(),
      blame,
      maxAnswerBytes: ask.maxAnswerBytes,
      callsLeft: 2,
      onAttempt: () => undefined,
    });
    if (reply.kind !== 'plain') return { text: undefined, usd: 0 };
    const { parsed } = reply.answer;
    const content = messageOf(parsed)?.content;
    const tokens = { ...ask.estimated, ...readUsage(parsed.usage) };
    return {
      text: typeof content === 'string' ? content : undefined,
      usd: member.price ? costOf(member.price, tokens) : 0,
    };
  } catch {
    return { text: undefined, usd: 0 };
  } finally {
    blame.settle();
  }
}
