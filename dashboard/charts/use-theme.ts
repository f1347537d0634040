import { useEffect, useState } from 'preact/hooks';

/** The theme, with a function that returns the value of a custom property of the style sheet. */
export type Theme = { readonly name: 'light' | 'dark'; color(property: string): string };

const DARK = '(prefers-color-scheme: dark)';

/**
 * Returns the theme. A canvas does not follow the style sheet, so it is drawn again when the
 * system's theme changes.
 */
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
