import type { ComponentChildren } from 'preact';
import { type Go, toSearch, type View } from './view.ts';

type LinkProps = {
  readonly view: View;
  readonly go: Go;
  readonly to: Partial<View>;
  readonly class?: string;
  /** Whether the link leads to the current view. */
  readonly isCurrent?: boolean;
  readonly label?: string;
  readonly children: ComponentChildren;
};

/** A real link, which can be opened elsewhere too; a plain click follows it without a reload. */
export function Link({ view, go, to, isCurrent = false, label, children, ...rest }: LinkProps) {
  return (
    <a
      class={rest.class}
      href={toSearch({ ...view, ...to })}
      aria-current={isCurrent ? 'page' : undefined}
      aria-label={label}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}
