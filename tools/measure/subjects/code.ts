import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import type { Tool } from '../../command-line/run-tool.ts';

const HELP = `npm run measure -- code [--root <folder>]

Counts the files, the lines of code and of comments, the rooms, the floors (the longest way down) and the
imports between rooms of each tree of the project, types included; also the rooms that reach each other
in a loop, and the files whose imports form a circle. A room is a folder of the tree with all that is
below it; each file of the tree's own folder counts as a room.

  --root <folder>   the project (default: .)`;

const TREES = ['functions', 'shared', 'dashboard', 'tools', 'test'];

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

export const subject: Tool = {
  help: HELP,
  options: { root: { type: 'string' } },
  run: async (commandLine) => {
    const root = commandLine.text('root') ?? '.';
    for (const tree of TREES) await measureTree(root, tree);
  },
};

async function measureTree(root: string, tree: string): Promise<void> {
  const found = await readdir(join(root, tree), { recursive: true });
  const names = found.filter(
    (file) => /\.(ts|tsx|mjs)$/.test(file) && !file.includes('node_modules'),
  );
  const texts = new Map<string, string>();
  for (const name of names) texts.set(name, await readFile(join(root, tree, name), 'utf8'));
  const lines = [...texts.values()].flatMap((text) => text.split('\n')).map((line) => line.trim());
  const written = lines.filter((line) => line !== '');
  const comments = written.filter((line) => /^(\/\/|\/\*|\*)/.test(line)).length;
  const files = new Map([...texts].map(([name, text]) => [name, importsOf(name, text, texts)]));
  const rooms = toRooms(files);
  const arrows = [...rooms.values()].reduce((sum, to) => sum + to.size, 0);
  console.log(
    `${tree}: ${texts.size} files, ${written.length - comments} lines of code, ${comments} of comments; ` +
      `${rooms.size} rooms on ${floorsOf(rooms)} floors, ${arrows} arrows, ` +
      `${inLoops(rooms).length} rooms in loops, ${inLoops(files).length} files in circles`,
  );
}

function importsOf(name: string, text: string, texts: ReadonlyMap<string, string>): Set<string> {
  const specifiers = text.matchAll(/(?:from|import|import\()\s*'(\.[^']+)'/g);
  const imported = [...specifiers].map(([, one = '']) => normalize(join(dirname(name), one)));
  return new Set(imported.filter((one) => texts.has(one)));
}

function toRooms(files: Graph): Graph {
  const rooms = new Map<string, Set<string>>();
  for (const [file, imported] of files) {
    const room = roomOf(file);
    const to = rooms.get(room) ?? new Set();
    for (const one of imported) if (roomOf(one) !== room) to.add(roomOf(one));
    rooms.set(room, to);
  }
  return rooms;
}

function roomOf(file: string): string {
  return file.split(sep)[0] ?? '';
}

/** All that can be reached from a place, itself only by a loop. */
function reachedFrom(graph: Graph, start: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const waiting = [...(graph.get(start) ?? [])];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (reached.has(one)) continue;
    reached.add(one);
    waiting.push(...(graph.get(one) ?? []));
  }
  return reached;
}

function inLoops(graph: Graph): string[] {
  return [...graph.keys()].filter((one) => reachedFrom(graph, one).has(one));
}

/** The places on the longest way down; those in a loop stand on one floor. */
function floorsOf(graph: Graph): number {
  const reached = new Map([...graph.keys()].map((one) => [one, reachedFrom(graph, one)]));
  const depths = new Map<string, number>();
  function depthOf(one: string): number {
    const known = depths.get(one);
    if (known !== undefined) return known;
    const below = [...(graph.get(one) ?? [])].filter((other) => !reached.get(other)?.has(one));
    const depth = 1 + Math.max(0, ...below.map(depthOf));
    depths.set(one, depth);
    return depth;
  }
  return Math.max(...[...graph.keys()].map(depthOf));
}
