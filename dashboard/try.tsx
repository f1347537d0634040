import { useRef, useState } from 'preact/hooks';
import { Answer } from './answer.tsx';
import type { Api, Routed } from './api.ts';
import { ApiError, messageOf } from './api.ts';
import { DryRun } from './dry-run.tsx';
import type { PageProps } from './page.ts';
import { Failure } from './states.tsx';
import type { Tried, Wish } from './tried.ts';

const WISHES: readonly Wish[] = [
  { name: 'As set', routing: {} },
  { name: 'Mode cost', routing: { mode: 'cost' } },
  { name: 'Mode balanced', routing: { mode: 'balanced' } },
  { name: 'Mode quality', routing: { mode: 'quality' } },
  ...[0.2, 0.4, 0.6, 0.8].map((threshold) => ({
    name: `Threshold ${threshold}`,
    routing: { threshold },
  })),
];

const EXAMPLES = [
  'What is the capital of France?',
  'Prove that the square root of 2 is irrational.',
  'Write a SQL query for the ten customers who spent most last month, by region.',
];

/** A form that tries a prompt as a dry run first, and then as a call. */
export function Try(props: PageProps) {
  const { api } = props;
  const box = useRef<HTMLTextAreaElement>(null);
  const [tried, setTried] = useState<{ prompt: string; useCase: string; all: readonly Tried[] }>();
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const useCase = useRef<HTMLInputElement>(null);
  const [chosen, setChosen] = useState(0);
  const run = async () => {
    const prompt = box.current?.value.trim() ?? '';
    if (prompt === '') return box.current?.focus();
    setIsBusy(true);
    setError(undefined);
    try {
      const named = useCase.current?.value.trim() ?? '';
      setTried({ prompt, useCase: named, all: await dryRun(api, prompt, named) });
    } catch (problem) {
      setError(problem instanceof ApiError ? problem : new ApiError(String(problem), 0, 'unknown'));
    }
    setIsBusy(false);
  };
  const wish = WISHES[chosen];
  return (
    <>
      <h1 class="hidden">Try a prompt</h1>
      <form
        class="card try"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <label>
          Prompt
          <textarea ref={box} rows={4} required />
        </label>
        <p class="examples">
          {EXAMPLES.map((example) => (
            <button
              key={example}
              type="button"
              class="chip"
              onClick={() => {
                if (box.current) box.current.value = example;
                void run();
              }}
            >
              {example}
            </button>
          ))}
        </p>
        <p class="actions">
          <label class="inline">
            Use case <input ref={useCase} maxLength={64} pattern="[\w.:\-]*" />
          </label>
          <button type="submit" disabled={isBusy}>
            {isBusy ? 'Asking' : 'Dry run'}
          </button>
        </p>
      </form>
      {error !== undefined && <Failure {...props} error={error} onRetry={() => void run()} />}
      {tried !== undefined && error === undefined && (
        <>
          <DryRun tried={tried.all} chosen={chosen} onChoose={setChosen} />
          {wish && (
            <Answer
              {...props}
              prompt={tried.prompt}
              useCase={tried.useCase}
              wish={wish}
              key={tried.prompt}
            />
          )}
        </>
      )}
    </>
  );
}

/**
 * Tries all ways concurrently. An error that concerns only one of them, such as a mode without a
 * calibration, is shown there.
 */
async function dryRun(api: Api, prompt: string, useCase: string): Promise<readonly Tried[]> {
  const headers = useCase === '' ? undefined : { 'x-use-case': useCase };
  return Promise.all(
    WISHES.map(async (wish, index): Promise<Tried> => {
      const body = { prompt, routing: { ...wish.routing, explain: true } };
      try {
        const { data } = await api.post<Routed>('/llm/route', body, headers);
        return { wish, ...(data[0] && { decision: data[0] }) };
      } catch (problem) {
        if (index === 0) throw problem;
        return { wish, problem: messageOf(problem) };
      }
    }),
  );
}
