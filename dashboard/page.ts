import type { Api } from './api.ts';
import type { Go, View } from './view.ts';

/** The properties that every page gets. */
export type PageProps = {
  readonly api: Api;
  readonly view: View;
  readonly go: Go;
  /** Whether automatic updates are paused. */
  readonly isPaused: boolean;
  readonly onSignIn: () => void;
};
