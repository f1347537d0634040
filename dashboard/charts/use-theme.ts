import { useEffect, useState } from 'preact/hooks';

/** Gives the value of a custom property of the style sheet. */
export type Theme = { readonly name: 'light' | 'dark'; color(property: string): string };

const DARK = '(prefers-color-scheme: dark)';

/** A canvas knows no style sheet: it is drawn anew when the system's theme changes. */
export function useTheme(): Theme {
  const [isDark, setIsDark] = useState(() => matchMedia(DARK).matches);
  useEffect(() => {
    const list = matchMedia(DARK);
    const follow = () => setIsDark(list.matches);
    list.addEventListener('change', follow);
    return () => list.removeEventListener('change', follow);
  }, []);
  return {
    name: isDark ? 'dark' : 'light',
    color: (property) =>
      getComputedStyle(document.documentElement).getPropertyValue(property).trim(),
  };
}
