import { InputError } from './command-line/input-error.ts';
import { runTool } from './command-line/run-tool.ts';
import { SUBJECTS } from './measure/subjects.ts';

const LIST = Object.entries(SUBJECTS).map(([name, { about }]) => `  ${name.padEnd(21)}${about}`);
const HELP = `npm run measure -- <subject> [options]

Measures a single part of the router on this machine; npm run bench measures latency, start and memory.

${LIST.join('\n')}

  --help     shows this text, or the options of a subject after its name`;

const [name = '', ...options] = process.argv.slice(2);
const found = Object.hasOwn(SUBJECTS, name) ? SUBJECTS[name] : undefined;
if (found !== undefined) await runTool((await found.read()).subject, options);
else if (name.startsWith('-')) await runTool({ help: HELP, options: {}, run: refuse });
else await runTool({ help: HELP, options: {}, run: refuse }, []);

function refuse(): Promise<never> {
  const names = Object.keys(SUBJECTS).join(', ');
  const wrong = name === '' ? 'The subject is missing' : `There is no subject "${name}"`;
  return Promise.reject(new InputError(`${wrong}: name one of ${names}.`));
}
