import { useEffect, useRef, useState } from 'preact/hooks';
import { type ChatCompletionStream, SmartRouterClient } from '../shared/client/index.ts';
import { messageOf } from './api.ts';
import { duration, exactRate, ofPrompts } from './base/format.ts';
import { Tier } from './decision-table.tsx';
import { Link } from './link.tsx';
import type { PageProps } from './page.ts';
import { SayHowGood } from './say-how-good.tsx';
import type { Wish } from './tried.ts';

type AnswerProps = PageProps & {
  readonly prompt: string;
  readonly useCase: string;
  readonly wish: Wish;
};

type Asked = Pick<AnswerProps, 'api' | 'prompt' | 'useCase' | 'wish'>;

type Streamed = {
  readonly text: string;
  readonly routing?: ChatCompletionStream['routing'];
  readonly firstMs?: number;
  readonly isDone: boolean;
  readonly problem?: string;
};

/** A real call with the prompt, and its answer as it arrives. */
export function Answer(props: AnswerProps) {
  const { wish } = props;
  const { streamed, ask, stop } = useAnswer(props);
  return (
    <section class="card answer" aria-labelledby="answer">
      <h2 id="answer">Send the prompt</h2>
      <p class="actions">
        <span class="muted">
          Routed: {wish.name.toLowerCase()}. This makes a real call, which has a cost.
        </span>
        {streamed !== undefined && !streamed.isDone ? (
          <button type="button" class="quiet" onClick={stop}>
            Stop
          </button>
        ) : (
          <button type="button" onClick={() => void ask()}>
            {streamed === undefined ? 'Ask' : 'Ask again'}
          </button>
        )}
      </p>
      {streamed !== undefined && <Shown {...props} {...streamed} />}
    </section>
  );
}

const NOTHING: Streamed = { text: '', isDone: false };

function start(
  { api, prompt, useCase, wish }: Asked,
  signal: AbortSignal,
): Promise<ChatCompletionStream> {
  const client = new SmartRouterClient({
    baseUrl: api.baseUrl,
    maxRetries: 0,
    ...(api.credential !== undefined && { bearerToken: api.credential }),
    ...(useCase !== '' && { useCase }),
  });
  return client.chatCompletion({ prompt, routing: wish.routing, stream: true }, { signal });
}

async function* textsOf(stream: ChatCompletionStream): AsyncGenerator<string> {
  for await (const { choices } of stream) {
    const text = choices[0]?.delta.content ?? '';
    if (text !== '') yield text;
  }
}

function useAnswer({ api, prompt, useCase, wish }: Asked) {
  const [streamed, setStreamed] = useState<Streamed>();
  const aborter = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => aborter.current?.abort(), []);
  const ask = async () => {
    const own = new AbortController();
    aborter.current = own;
    const { signal } = own;
    const startedAt = performance.now();
    const show = (change: Partial<Streamed>) =>
      setStreamed((old) => ({ ...NOTHING, ...old, ...change }));
    setStreamed(NOTHING);
    try {
      const stream = await start({ api, prompt, useCase, wish }, signal);
      show({ routing: stream.routing });
      for await (const text of textsOf(stream)) {
        setStreamed((old = NOTHING) => ({
          ...old,
          text: old.text + text,
          firstMs: old.firstMs ?? performance.now() - startedAt,
        }));
      }
    } catch (error) {
      show({ problem: signal.aborted ? 'Stopped.' : messageOf(error) });
    }
    show({ isDone: true });
  };
  return { streamed, ask, stop: () => aborter.current?.abort() };
}

function Shown({ api, view, go, text, routing, firstMs, isDone, problem }: AnswerProps & Streamed) {
  const id = routing?.requestId;
  return (
    <>
      {routing !== undefined && (
        <p>
          <Tier tier={routing.tier ?? 'direct'} /> <b>{routing.selectedModel}</b>{' '}
          <span class="muted">
            harder than {ofPrompts(routing.percentile)}, win rate {exactRate(routing.winRate)}, own
            time {duration(routing.overheadMs)}, first token after {duration(firstMs)}
          </span>
        </p>
      )}
      <p class="text" aria-live="polite" aria-busy={!isDone}>
        {text}
      </p>
      {problem !== undefined && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      {isDone && id !== undefined && problem === undefined && (
        <>
          <SayHowGood api={api} id={id} outcomes={[]} onSaid={() => undefined} />
          <Link view={view} go={go} to={{ page: 'decisions', decision: id }}>
            See the decision
          </Link>
        </>
      )}
    </>
  );
}
