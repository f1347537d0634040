import { randomInt } from 'node:crypto';
import { DEFAULT_DEPLOYMENTS, servedModel } from '../upstream-simulator/simulated-deployment.ts';

export type DeploymentName = 'strong' | 'weak';

/**
 * How an exchange may end well: answered by the chosen deployment or by the other one, a stream that
 * ended in an error event, an error in OpenAI's form, or a client that left.
 */
export type Outcome = 'chosen' | 'fallback' | 'broken off' | 'left' | `error ${number}`;

/** How the client behaves: in milliseconds, how long it stays, or rests after each chunk that it reads. */
export type Manner =
  | { readonly kind: 'patient' }
  | { readonly kind: 'leaves'; readonly afterMs: number }
  | { readonly kind: 'slow'; readonly pauseMs: number };

/** One request, and all that is needed to judge its answer. */
export type Question = {
  /** Goes along in the prompt and as `x-ms-client-request-id`, and comes back in both. */
  readonly id: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly stream: boolean;
  /** The deployment that the router is to choose. */
  readonly chosen: DeploymentName;
  /** Any of these is right. */
  readonly due: readonly Outcome[];
  /** The whole text of the answer, when this deployment gives it. */
  readonly answerOf: (deployment: DeploymentName) => string;
  readonly manner: Manner;
};

type ChatQuestion = {
  /** Absent: a text with the question's number. */
  readonly text?: string;
  /** Of the simulator: what is to go wrong with this request. */
  readonly markers?: string;
  readonly stream: boolean;
  readonly chosen: DeploymentName;
  readonly due: readonly Outcome[];
  /** True: asks the deployment by its name, so that nothing is routed. */
  readonly direct?: boolean;
  /** Absent: routed so that `chosen` comes out. */
  readonly routing?: object;
  /** Absent: the simulator's usual answer, which repeats the question. */
  readonly answer?: string;
  readonly manner?: Manner;
};

export type QuestionMaker = {
  chat(question: ChatQuestion): Question;
  /** A request with a body that nobody should accept, or that only looks so. */
  raw(question: Pick<Question, 'body' | 'headers' | 'due'>): Question;
};

export const ID = /q[0-9a-z]{6}-\d{6}/g;

const ROUTED = '/llm/openai/deployments/smart-router/chat/completions';

/** Thresholds that decide without looking: every win rate reaches 0, and none reaches 1. */
const THRESHOLDS = { strong: 0, weak: 1 } as const;

/** Makes requests that differ from each other, and from those of other runs. */
export function createQuestionMaker(): QuestionMaker {
  const run = randomInt(36 ** 6)
    .toString(36)
    .padStart(6, '0');
  let count = 0;
  function nextId(): string {
    count += 1;
    return `q${run}-${String(count).padStart(6, '0')}`;
  }
  return {
    chat: (question) => {
      const { stream, chosen, due, markers = '', answer } = question;
      const id = nextId();
      const text = question.text ?? `${id} is the number of this question.`;
      const threshold = THRESHOLDS[chosen];
      const body = {
        messages: [{ role: 'user', content: `${text} ${markers}` }],
        ...(stream && { stream }),
        ...(!question.direct && { routing: question.routing ?? { threshold } }),
      };
      return {
        id,
        path: question.direct ? ROUTED.replace('smart-router', chosen) : ROUTED,
        headers: {},
        body: JSON.stringify(body),
        stream,
        chosen,
        due,
        answerOf: (deployment) => answer ?? usualAnswer(deployment, text),
        manner: question.manner ?? { kind: 'patient' },
      };
    },
    raw: (question) => ({
      ...question,
      id: nextId(),
      path: ROUTED,
      stream: false,
      chosen: 'weak',
      answerOf: () => '',
      manner: { kind: 'patient' },
    }),
  };
}

/** The model as the simulator's answers name it, and as the router's headers do. */
export function modelsOf(name: DeploymentName): {
  readonly served: string;
  readonly shown: string;
} {
  const deployment = DEFAULT_DEPLOYMENTS.find((one) => one.name === name);
  if (deployment === undefined) throw new Error(`The simulator has no deployment ${name}.`);
  return { served: servedModel(deployment), shown: deployment.model };
}

/** Which deployment's model this is; undefined for another one. */
export function findDeployment(servedName: unknown): DeploymentName | undefined {
  const names: readonly DeploymentName[] = ['strong', 'weak'];
  return names.find((name) => modelsOf(name).served === servedName);
}

function usualAnswer(deployment: DeploymentName, text: string): string {
  const { served } = modelsOf(deployment);
  return `This is the simulated answer of ${deployment} (${served}). You said: ${text}`;
}
