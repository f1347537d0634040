import type { ZipEntry } from './zip-folder.ts';

/**
 * The project's own limit, below Azure's. A larger package starts more slowly and contains
 * something that it does not need.
 */
export const MAX_ZIP_BYTES = 40_000_000;

const PARTS: readonly { readonly name: string; readonly prefix: string }[] = [
  { name: 'bundle', prefix: 'dist/' },
  { name: 'models', prefix: 'models/' },
  { name: 'onnxruntime', prefix: 'node_modules/' },
  { name: 'other', prefix: '' },
];

/** Formats the size of each part in bytes as a text table. `zippedBytes` is the size of the whole zip. */
export function formatSizes(entries: readonly ZipEntry[], zippedBytes: number): string {
  const parts = PARTS.map(({ name }) => {
    const own = entries.filter((entry) => partOf(entry) === name);
    return { name, own, zipped: sum(own, 'zippedBytes') };
  });
  const rows = parts.map(({ name, own, zipped }) =>
    row(name, own.length, sum(own, 'bytes'), zipped),
  );
  return [
    row('part', 'files', 'bytes', 'zipped'),
    ...rows,
    row('all', entries.length, sum(entries, 'bytes'), zippedBytes),
  ].join('\n');
}

/** Returns undefined when the zip is small enough, else a line with the files that make it too large. */
export function findExcess(entries: readonly ZipEntry[], zippedBytes: number): string | undefined {
  if (zippedBytes < MAX_ZIP_BYTES) return undefined;
  const largest = entries
    .toSorted((a, b) => b.zippedBytes - a.zippedBytes)
    .slice(0, 5)
    .map((entry) => `${entry.name} (${format(entry.zippedBytes)})`);
  return `The package has ${format(zippedBytes)} bytes zipped, but must have fewer than ${format(MAX_ZIP_BYTES)}. The largest parts: ${largest.join(', ')}.`;
}

function partOf(entry: ZipEntry): string | undefined {
  return PARTS.find(({ prefix }) => entry.name.startsWith(prefix))?.name;
}

function sum(entries: readonly ZipEntry[], key: 'bytes' | 'zippedBytes'): number {
  return entries.reduce((total, entry) => total + entry[key], 0);
}

function row(name: string, ...cells: readonly (number | string)[]): string {
  return name.padEnd(12) + cells.map((cell) => format(cell).padStart(12)).join('');
}

function format(value: number | string): string {
  return value.toLocaleString('en-US');
}
