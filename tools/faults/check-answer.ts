import {
  type DeploymentName,
  findDeployment,
  ID,
  modelsOf,
  type Outcome,
  type Question,
} from './question.ts';
import { type Finding, readEvents } from './read-events.ts';

/** The result of a request, as the client received it. */
export type Received = {
  /** Whether the answer was complete, broke off or never came, or the client left before its end. */
  readonly end: 'complete' | 'broke off' | 'timed out' | 'left';
  /** The HTTP status, 0 when there was none. */
  readonly status: number;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly ms: number;
};

export type Verdict = {
  /** Undefined when the answer fits no outcome. */
  readonly outcome: Outcome | undefined;
  readonly findings: readonly Finding[];
};

type Judged = { readonly outcome?: Outcome; readonly findings: readonly Finding[] };

/** Checks that an answer is complete, well formed, an answer to this question, and one of the expected outcomes. */
export function checkAnswer(question: Question, received: Received): Verdict {
  if (received.end === 'left') return { outcome: 'left', findings: [] };
  if (received.end !== 'complete' || received.body === '') {
    const what = received.end === 'complete' ? `an empty ${received.status}` : received.end;
    return { outcome: undefined, findings: [{ kind: 'lost', what }] };
  }
  const judged = judge(question, received);
  const findings = [...judged.findings, ...checkRequestId(question, received)];
  const { outcome } = judged;
  if (outcome !== undefined && !question.due.includes(outcome)) {
    const detail = outcome.startsWith('error') ? ` (${received.body.slice(0, 160)})` : '';
    findings.push({
      kind: 'not due',
      what: `${outcome} instead of ${[...new Set(question.due)].join(' or ')}${detail}`,
    });
  }
  return { outcome, findings };
}

/** A connection that is cut before the first byte, on which a request is sent once more within its attempt. */
const CUT_EARLY = '[sim:cut:0';

/**
 * Compares the calls that deployments saw for a question with the attempts that the answer reports.
 * Where calls can be lost on their way (`exact` is false), fewer are accepted.
 */
export function checkCalls(
  { question, received }: { readonly question: Question; readonly received: Received },
  calls: number,
  exact: boolean,
): Finding[] {
  if (received.end !== 'complete') return [];
  const attempts = Number(received.headers['x-smart-router-attempts'] ?? 0);
  const isResent = question.body.toString().includes(CUT_EARLY);
  if (calls > (isResent ? 2 : 1) * attempts) {
    return [{ kind: 'doubled', what: `${calls} calls were made, ${attempts} are reported` }];
  }
  return exact && calls < attempts
    ? [{ kind: 'not due', what: `${calls} calls arrived, ${attempts} are reported` }]
    : [];
}

function judge(question: Question, received: Received): Judged {
  if (received.status !== 200) return judgeError(received);
  const isStream = received.headers['content-type']?.startsWith('text/event-stream') ?? false;
  if (isStream !== question.stream) {
    return { findings: [{ kind: 'malformed', what: 'the content type is not the requested one' }] };
  }
  return isStream ? judgeStream(question, received) : judgePlain(question, received);
}

function judgeError({ status, headers, body }: Received): Judged {
  const error = field(parseJson(body), 'error');
  const message = field(error, 'message');
  const isJson = headers['content-type']?.startsWith('application/json') ?? false;
  const isWhole = isJson && typeof message === 'string' && message !== '';
  const isCoded = typeof error === 'object' && error !== null && 'code' in error;
  if (status >= 400 && isWhole && isCoded) return { outcome: `error ${status}`, findings: [] };
  const what = `a ${status} without an error in OpenAI's form: ${body.slice(0, 60)}`;
  return { findings: [{ kind: 'malformed', what }] };
}

function judgePlain(question: Question, received: Received): Judged {
  const json = parseJson(received.body);
  const choices = field(json, 'choices');
  const [choice, ...more] = Array.isArray(choices) ? choices : [];
  const content = field(field(choice, 'message'), 'content');
  const deployment = findDeployment(field(json, 'model'));
  if (typeof content !== 'string' || deployment === undefined) {
    const what = `no completion: ${received.body.slice(0, 60)}`;
    return { findings: [{ kind: 'malformed', what }] };
  }
  const findings = [...checkText(question, content, question.answerOf(deployment))];
  if (more.length > 0) findings.push({ kind: 'doubled', what: `${more.length + 1} choices` });
  const own = [field(json, 'response'), field(json, 'selected_model')];
  if (own[0] !== content || own[1] !== modelsOf(deployment).shown) {
    findings.push({
      kind: 'malformed',
      what: 'response or selected_model differs from the answer',
    });
  }
  findings.push(...checkRoute(received, deployment));
  return { outcome: deployment === question.chosen ? 'chosen' : 'fallback', findings };
}

function judgeStream(question: Question, received: Received): Judged {
  const { text, models, end, findings: found } = readEvents(received.body);
  const findings = [...found];
  const [model] = models;
  if (models.size > 1) findings.push({ kind: 'mixed up', what: 'the model was switched' });
  const deployment = findDeployment(model);
  if (deployment === undefined) {
    // The stream broke off before its first chunk.
    if (end === 'error' && models.size === 0) return { outcome: 'broken off', findings };
    return { findings: [...findings, { kind: 'malformed', what: 'no chunk of a known model' }] };
  }
  const whole = question.answerOf(deployment);
  const expected = end === 'error' ? whole.slice(0, text.length) : whole;
  findings.push(...checkText(question, text, expected));
  findings.push(...checkRoute(received, deployment));
  if (end === 'error') return { outcome: 'broken off', findings };
  return { outcome: deployment === question.chosen ? 'chosen' : 'fallback', findings };
}

function checkText(question: Question, text: string, expected: string): Finding[] {
  if (text === expected) return [];
  const ids = text.match(ID) ?? [];
  if (ids.some((id) => id !== question.id)) {
    return [{ kind: 'mixed up', what: `it is the answer to ${ids.join(' and ')}` }];
  }
  if (ids.length > 1 || text.startsWith(expected)) {
    return [{ kind: 'doubled', what: `the text continues after its end: ${text.slice(-60)}` }];
  }
  return [{ kind: 'malformed', what: `the text is incomplete: ${text.slice(-60)}` }];
}

/** Checks that the headers name the deployment that answered and the attempts before it. */
function checkRoute({ headers }: Received, deployment: DeploymentName): Finding[] {
  const findings: Finding[] = [];
  if (headers['x-smart-router-selected-model'] !== modelsOf(deployment).shown) {
    findings.push({
      kind: 'mixed up',
      what: 'the headers name a model other than the one that answered',
    });
  }
  const chain = headers['x-smart-router-attempt-chain'] ?? '';
  if (!chain.endsWith(`${deployment};200`)) {
    findings.push({ kind: 'not due', what: `the chain of attempts is "${chain}"` });
  }
  const reason = headers['x-smart-router-reason'];
  if ((reason === 'fallback') !== !chain.startsWith(`${deployment};`)) {
    findings.push({ kind: 'not due', what: `the reason is ${reason} with the chain "${chain}"` });
  }
  return findings;
}

/** Checks that a deployment's answer carries the id of its own request. */
function checkRequestId({ id }: Question, { headers }: Received): Finding[] {
  const answered = headers['x-ms-client-request-id'];
  if (answered === undefined || answered === id) return [];
  return [{ kind: 'mixed up', what: `its headers are those of the answer to ${answered}` }];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined;
}
