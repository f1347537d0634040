import { useEffect, useRef } from 'preact/hooks';
import type { WholeDecision } from './api.ts';
import { dayAndClock } from './base/format.ts';
import { Attempts, Candidates, Facts, Spent, Times } from './decision-parts.tsx';
import type { PageProps } from './page.ts';
import { reasonPhrase } from './phrases.ts';
import { SayHowGood } from './say-how-good.tsx';
import { Failure, Loading } from './states.tsx';
import { usePolled } from './use-polled.ts';

type DialogProps = PageProps & { readonly id: string; readonly onClose: () => void };

/** All details of one decision, and a form to rate its answer. */
export function DecisionDialog(props: DialogProps) {
  const { api, id, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const { data, error, refresh } = usePolled(id, Number.POSITIVE_INFINITY, (signal) =>
    api.get<WholeDecision>(`/llm/decisions/${encodeURIComponent(id)}`, {}, signal),
  );
  return (
    <dialog ref={dialog} class="decision" aria-labelledby="decision-title" onClose={onClose}>
      <header>
        <h2 id="decision-title">{data ? `${data.selected_model} answered` : 'Decision'}</h2>
        <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      {data === undefined && error !== undefined && (
        <Failure {...props} error={error} onRetry={refresh} />
      )}
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && (
        <>
          <p class="muted">
            {dayAndClock(data.created_at * 1_000)}, {reasonPhrase(data.reason)}
          </p>
          {data.prompt !== undefined && <blockquote class="prompt">{data.prompt}</blockquote>}
          <Candidates {...data} />
          <div class="columns">
            <Attempts {...data} />
            <Spent {...data} />
            <Times {...data} />
            <Facts {...data} />
          </div>
          <SayHowGood api={api} id={id} outcomes={data.outcomes} onSaid={refresh} />
        </>
      )}
    </dialog>
  );
}
