import { useRef, useState } from 'preact/hooks';
import { type Api, type Decision, messageOf } from './api.ts';
import { rate } from './base/format.ts';

type SayProps = {
  readonly api: Api;
  readonly id: string;
  readonly outcomes: Decision['outcomes'];
  readonly onSaid: () => void;
};

const VERDICTS = [
  { verdict: 'good', text: 'Good' },
  { verdict: 'tie', text: 'As good as the other' },
  { verdict: 'bad', text: 'Bad' },
] as const;

/** The ratings of an answer, and a form to add one. */
export function SayHowGood({ api, id, outcomes, onSaid }: SayProps) {
  const comment = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState('');
  const say = async (verdict: (typeof VERDICTS)[number]['verdict']) => {
    const text = comment.current?.value.trim();
    try {
      const outcome = { request_id: id, verdict, ...(text && { comment: text }) };
      // The browser may repeat the request; the key makes the router store it once.
      await api.post('/llm/outcomes', outcome, { 'idempotency-key': `${id} ${Date.now()}` });
      if (comment.current) comment.current.value = '';
      setSaid(`Saved: ${verdict}.`);
      onSaid();
    } catch (error) {
      setSaid(messageOf(error));
    }
  };
  return (
    <section class="say">
      <h3>How good was the answer?</h3>
      {outcomes.length > 0 && (
        <ul>
          {outcomes.map((one, index) => (
            <li key={one.id ?? index}>
              {one.verdict ?? `score ${rate(one.score)}`}, said by {one.source}
              {one.compared_with && `, against ${one.compared_with}`}
              {one.comment && `: ${one.comment}`}
            </li>
          ))}
        </ul>
      )}
      <label>
        Comment (optional)
        <input ref={comment} maxLength={2_000} />
      </label>
      <p class="actions">
        {VERDICTS.map(({ verdict, text }) => (
          <button key={verdict} type="button" class="quiet" onClick={() => void say(verdict)}>
            {text}
          </button>
        ))}
      </p>
      <p class="muted" role="status">
        {said}
      </p>
    </section>
  );
}
