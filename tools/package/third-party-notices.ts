import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

type Manifest = { readonly name: string; readonly version: string; readonly license?: string };

/**
 * Packages under the MIT licence that come without its text, and their copyright holders according
 * to their files.
 */
const MIT_HOLDERS: ReadonlyMap<string, string> = new Map([
  ['@nodable/entities', 'Amit Gupta'],
  ['onnxruntime-common', 'Microsoft Corporation'],
  ['onnxruntime-node', 'Microsoft Corporation'],
]);

const INTRODUCTION = `This package contains the software below, each under its own licence.

The native library of onnxruntime-node contains further software: its notices are the file
ThirdPartyNotices.txt of https://github.com/microsoft/onnxruntime at the version named here.
`;

/**
 * Writes the licences of packages, given by their folders (`node_modules/zod`). Throws when one has
 * no licence, because it must not be passed on then.
 */
export async function writeNotices(root: string, folders: Iterable<string>): Promise<string> {
  const sections = [];
  for (const folder of new Set(folders)) sections.push(await describe(join(root, folder)));
  return [INTRODUCTION, ...sections.toSorted()].join(`\n${'-'.repeat(80)}\n\n`);
}

/** Returns the folder of the package that a file belongs to; undefined for the project's own files. */
export function packageOf(file: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
}

async function describe(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
  const texts = [];
  for (const file of (await readdir(folder)).toSorted()) {
    if (/^(licen[cs]e|notice|thirdpartynotices)/i.test(file)) {
      texts.push((await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n').trim());
    }
  }
  const { name, version, license } = manifest;
  if (texts.length === 0) texts.push(textOf(manifest));
  return `${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`;
}

function textOf({ name, license }: Manifest): string {
  const holder = MIT_HOLDERS.get(name);
  if (license === 'MIT' && holder !== undefined) return mitLicence(holder);
  throw new Error(
    `${name} (${license}) has no licence file: add its copyright holder to tools/package/third-party-notices.ts.`,
  );
}

function mitLicence(holder: string): string {
  return `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`;
}
