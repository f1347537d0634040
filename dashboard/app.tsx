import { useMemo, useState } from 'preact/hooks';
import { createApi } from './api.ts';
import { Decisions } from './decisions.tsx';
import { Header } from './header.tsx';
import { Overview } from './overview.tsx';
import { SignIn } from './sign-in.tsx';
import { Try } from './try.tsx';
import { useView } from './view.ts';

/** The whole page. The credential exists only in this page's memory, so a reload forgets it. */
export function App() {
  const [view, go] = useView();
  const [credential, setCredential] = useState<string>();
  const [isAsked, setIsAsked] = useState(false);
  const [isPaused, setIsPaused] = useState(false);
  const api = useMemo(() => createApi(credential), [credential]);
  const page = { api, view, go, isPaused, onSignIn: () => setIsAsked(true) };
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header {...page} isSignedIn={credential !== undefined} onPause={setIsPaused} />
      <main id="main" tabIndex={-1}>
        {view.page === 'overview' && <Overview {...page} />}
        {view.page === 'decisions' && <Decisions {...page} />}
        {view.page === 'try' && <Try {...page} />}
      </main>
      {isAsked && (
        <SignIn
          onClose={() => setIsAsked(false)}
          onCredential={(given) => {
            setCredential(given);
            setIsAsked(false);
          }}
        />
      )}
    </>
  );
}
