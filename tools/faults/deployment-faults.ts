import type { Block, Fault } from './fault.ts';
import type { DeploymentName, Outcome, QuestionMaker } from './question.ts';

/** How the answer ends when a deployment fails, plain and streamed. */
type Ends = { readonly plain: Outcome; readonly stream: Outcome };

type DeploymentFault = {
  readonly name: string;
  /** The simulator's marker, without brackets and deployment. */
  readonly marker: string;
  readonly weight?: number;
  /** The outcomes when only the chosen deployment fails. */
  readonly chosenFails: Ends;
  /** The outcomes when no other deployment can answer. */
  readonly noneAnswers: Ends;
};

/** Another deployment answers instead, since nothing of an answer has been sent. */
const REPLACED = { plain: 'fallback', stream: 'fallback' } as const;

/** Faults that are tried on each deployment, on both, and on a deployment requested by name. */
const DEPLOYMENT_FAULTS: readonly DeploymentFault[] = [
  ...['404', '408', '410', '500', '503'].map((status) => ({
    name: status,
    marker: status,
    chosenFails: REPLACED,
    noneAnswers: both(`error ${Number(status)}`),
  })),
  { name: '429', marker: '429::5', chosenFails: REPLACED, noneAnswers: both('error 429') },
  // A refusal is final: another deployment must not be a way around it.
  stands('400 content_filter', 'content_filter', 400),
  stands('401', '401', 401),
  stands('403', '403', 403),
  {
    name: 'cut before the first byte',
    marker: 'cut:0',
    chosenFails: REPLACED,
    noneAnswers: both('error 502'),
  },
  {
    name: 'cut midway',
    marker: 'cut:2',
    // A plain answer is only passed on once it is complete.
    chosenFails: { plain: 'fallback', stream: 'broken off' },
    noneAnswers: { plain: 'error 502', stream: 'broken off' },
  },
  {
    name: 'stall before the first byte',
    marker: 'stall:0',
    weight: 0.5,
    chosenFails: REPLACED,
    noneAnswers: both('error 504'),
  },
  {
    name: 'stall midway',
    marker: 'stall:2',
    weight: 0.3,
    // The deadline leaves no time for another deployment.
    chosenFails: { plain: 'error 504', stream: 'broken off' },
    noneAnswers: { plain: 'error 504', stream: 'broken off' },
  },
  {
    name: 'error event first',
    marker: 'error_event:0',
    chosenFails: REPLACED,
    noneAnswers: { plain: 'error 500', stream: 'broken off' },
  },
  {
    name: 'error event midway',
    marker: 'error_event:2',
    chosenFails: { plain: 'fallback', stream: 'broken off' },
    noneAnswers: { plain: 'error 500', stream: 'broken off' },
  },
  {
    name: 'slow',
    marker: 'slow:200',
    weight: 0.5,
    chosenFails: both('chosen'),
    noneAnswers: both('chosen'),
  },
];

/** Creates the faults of deployments, each with one kind of failure. */
export function createDeploymentFaults(maker: QuestionMaker): Fault[] {
  return DEPLOYMENT_FAULTS.map((fault) => ({
    name: fault.name,
    ...(fault.weight !== undefined && { weight: fault.weight }),
    blocks: [
      onOne(maker, fault, 'weak'),
      onOne(maker, fault, 'strong'),
      onBoth(maker, fault, { direct: false }),
      onBoth(maker, fault, { direct: true }),
    ],
  }));
}

/** Returns each kind of request in turn: for the weak or the strong deployment, plain or streamed. */
export function kindOf(index: number): {
  readonly chosen: DeploymentName;
  readonly stream: boolean;
} {
  return { chosen: index % 4 < 2 ? 'weak' : 'strong', stream: index % 2 === 1 };
}

function onOne(maker: QuestionMaker, fault: DeploymentFault, failing: DeploymentName): Block {
  return (index) => {
    const kind = kindOf(index);
    const ends = kind.chosen === failing ? fault.chosenFails : both('chosen');
    const markers = `[sim:${fault.marker}@${failing}]`;
    return maker.chat({ ...kind, markers, due: [kind.stream ? ends.stream : ends.plain] });
  };
}

function onBoth(
  maker: QuestionMaker,
  { marker, noneAnswers }: DeploymentFault,
  { direct }: { readonly direct: boolean },
): Block {
  return (index) => {
    const kind = kindOf(index);
    const due = [kind.stream ? noneAnswers.stream : noneAnswers.plain];
    return maker.chat({ ...kind, markers: `[sim:${marker}@chat]`, due, direct });
  };
}

function stands(name: string, marker: string, status: number): DeploymentFault {
  const ends = both(`error ${status}`);
  return { name, marker, chosenFails: ends, noneAnswers: ends };
}

function both(outcome: Outcome): Ends {
  return { plain: outcome, stream: outcome };
}
