import { randomInt } from 'node:crypto';
import { DEFAULT_DEPLOYMENTS, servedModel } from '../upstream-simulator/simulated-deployment.ts';

export type DeploymentName = 'strong' | 'weak';

/**
 * How an exchange may end well: answered by the chosen deployment or by the other one, a stream that
 * ended in an error event, an error in OpenAI's form, or a client that left.
 */
export type Outcome = 'chosen' | 'fallback' | 'broken off' | 'left' | `error ${number}`;

/** The behaviour of the client: when it leaves, or how long it pauses after each chunk, in ms. */
export type Manner =
  | { readonly kind: 'patient' }
  | { readonly kind: 'leaves'; readonly afterMs: number }
  | { readonly kind: 'slow'; readonly pauseMs: number };

/** A request, with all that is needed to judge its answer. */
export type Question = {
  /** The id, sent in the prompt and as `x-ms-client-request-id`, and returned in both. */
  readonly id: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly stream: boolean;
  /** The deployment that the router should choose. */
  readonly chosen: DeploymentName;
  /** The acceptable outcomes. */
  readonly due: readonly Outcome[];
  /** Returns the complete text of this deployment's answer. */
  readonly answerOf: (deployment: DeploymentName) => string;
  readonly manner: Manner;
};

type ChatQuestion = {
  /** Default: a text with the question's number. */
  readonly text?: string;
  /** Markers for the simulator that provoke faults in this request. */
  readonly markers?: string;
  readonly stream: boolean;
  readonly chosen: DeploymentName;
  readonly due: readonly Outcome[];
  /** Whether the deployment is requested by name, without routing. */
  readonly direct?: boolean;
  /** Default: a threshold that leads to `chosen`. */
  readonly routing?: object;
  /** Default: the simulator's usual answer, which repeats the question. */
  readonly answer?: string;
  readonly manner?: Manner;
};

export type QuestionMaker = {
  chat(question: ChatQuestion): Question;
  /** Makes a request with a malformed body, or with one that only looks malformed. */
  raw(question: Pick<Question, 'body' | 'headers' | 'due'>): Question;
};

export const ID = /q[0-9a-z]{6}-\d{6}/g;

const ROUTED = '/llm/openai/deployments/smart-router/chat/completions';

/** Thresholds that fix the decision: every win rate reaches 0, and none reaches 1. */
const THRESHOLDS = { strong: 0, weak: 1 } as const;

/** Creates a maker of requests that differ from each other and from those of other runs. */
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

/** Returns the model's name in the simulator's answers, and in the router's headers. */
export function modelsOf(name: DeploymentName): {
  readonly served: string;
  readonly shown: string;
} {
  const deployment = DEFAULT_DEPLOYMENTS.find((one) => one.name === name);
  if (deployment === undefined) throw new Error(`The simulator has no deployment ${name}.`);
  return { served: servedModel(deployment), shown: deployment.model };
}

/** Returns the deployment of this model; undefined for an unknown model. */
export function findDeployment(servedName: unknown): DeploymentName | undefined {
  const names: readonly DeploymentName[] = ['strong', 'weak'];
  return names.find((name) => modelsOf(name).served === servedName);
}

function usualAnswer(deployment: DeploymentName, text: string): string {
  const { served } = modelsOf(deployment);
  return `This is the simulated answer of ${deployment} (${served}). You said: ${text}`;
}
