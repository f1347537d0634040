import { parseArgs } from 'node:util';
import { ConfigError } from '../../shared/base/errors.ts';
import { InputError } from './input-error.ts';

type Options = Readonly<Record<string, { type: 'string' | 'boolean'; multiple?: boolean }>>;

/** The arguments of a tool, read by name. */
export type CommandLine = {
  readonly positionals: readonly string[];
  text(name: string): string | undefined;
  /** Throws an InputError when the option is missing. */
  required(name: string): string;
  all(name: string): readonly string[];
  flag(name: string): boolean;
  /** Throws an InputError for anything but a whole number within the range. */
  integer(
    name: string,
    fallback: number,
    range?: { readonly from: number; readonly to: number },
  ): number;
};

export type Tool = {
  readonly help: string;
  readonly options: Options;
  readonly allowPositionals?: boolean;
  readonly run: (commandLine: CommandLine) => Promise<void>;
};

/**
 * Runs a command-line tool on its arguments, by default those of this process: `--help`, one error
 * line on stderr, and exit code 2 for bad input.
 */
export async function runTool(tool: Tool, given = process.argv.slice(2)): Promise<void> {
  try {
    const commandLine = readCommandLine(tool, given);
    if (commandLine.flag('help')) console.log(tool.help);
    else await tool.run(commandLine);
  } catch (error) {
    if (!isBadInput(error)) throw error;
    console.error(`Error: ${oneLine(error)}`);
    process.exitCode = 2;
  }
}

function readCommandLine(
  { options, allowPositionals = false }: Tool,
  given: readonly string[],
): CommandLine {
  const { values, positionals } = parseArgs({
    args: [...given],
    options: { ...options, help: { type: 'boolean' } },
    allowPositionals,
    strict: true,
  });
  const found = new Map<string, unknown>(Object.entries(values));
  const text = (name: string): string | undefined => {
    const value = found.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  return {
    positionals,
    text,
    required(name) {
      const value = text(name);
      if (value === undefined || value === '') {
        throw new InputError(`--${name} is missing: --help shows how to call the tool.`);
      }
      return value;
    },
    all: (name) => [found.get(name)].flat().filter((value) => typeof value === 'string'),
    flag: (name) => found.get(name) === true,
    integer(name, fallback, { from, to } = { from: 0, to: 999_999_999 }) {
      const value = text(name);
      if (value === undefined) return fallback;
      if (!/^\d{1,9}$/.test(value) || Number(value) < from || Number(value) > to) {
        throw new InputError(
          `--${name} must be a whole number from ${from} to ${to}, got "${value}".`,
        );
      }
      return Number(value);
    },
  };
}

function isBadInput(error: unknown): error is Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return (
    error instanceof InputError || error instanceof ConfigError || code.startsWith('ERR_PARSE_ARGS')
  );
}

function oneLine(error: Error): string {
  const message = error instanceof ConfigError ? error.problems.join(' ') : error.message;
  return message.replace(/\s*\n\s*/g, ' ');
}
