import type { CommandLine } from '../command-line/run-tool.ts';

/** The values of an option that is for all scorers, or for one: `<value>` or `<scorer>=<value>`. */
export type PerScorer = {
  readonly all: string | undefined;
  readonly byScorer: ReadonlyMap<string, string>;
};

/** Reads such an option; as with others, the last value for the same holds. */
export function readPerScorer(
  commandLine: CommandLine,
  option: string,
  scorers: readonly string[],
): PerScorer {
  let all: string | undefined;
  const byScorer = new Map<string, string>();
  for (const text of commandLine.all(option)) {
    // A file's name may have an equals sign as well.
    const scorer = scorers.find((name) => text.startsWith(`${name}=`));
    if (scorer === undefined) all = text;
    else byScorer.set(scorer, text.slice(scorer.length + 1));
  }
  return { all, byScorer };
}
