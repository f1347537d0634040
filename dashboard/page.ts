import type { Api } from './api.ts';
import type { Go, View } from './view.ts';

/** What each page is given. */
export type PageProps = {
  readonly api: Api;
  readonly view: View;
  readonly go: Go;
  /** Nothing is looked at anew by itself. */
  readonly isPaused: boolean;
  readonly onSignIn: () => void;
};
