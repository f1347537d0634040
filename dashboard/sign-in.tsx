import { useEffect, useRef } from 'preact/hooks';

type SignInProps = {
  readonly onCredential: (credential: string | undefined) => void;
  readonly onClose: () => void;
};

/** Asks for a key or a token. The browser neither submits the form nor stores its content. */
export function SignIn({ onCredential, onClose }: SignInProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="sign-in" aria-labelledby="sign-in-title" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onCredential(input.current?.value.trim() || undefined);
        }}
      >
        <h2 id="sign-in-title">Sign in</h2>
        <p>
          Enter a router key with <code>role=admin</code>, or an access token of Microsoft Entra ID
          for the router. It stays only in the memory of this tab, until the tab is closed.
        </p>
        <label>
          Key or token
          <input ref={input} type="password" autoComplete="off" spellcheck={false} required />
        </label>
        <p class="actions">
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit">Sign in</button>
        </p>
      </form>
    </dialog>
  );
}
