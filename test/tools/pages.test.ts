import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

/** The texts of the pages, without their code blocks, by their paths. */
const pages = new Map<string, string>();

beforeAll(async () => {
  const files = await readdir('docs', { recursive: true });
  const paths = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'models/local/card.md'];
  for (const file of files) if (file.endsWith('.md')) paths.push(join('docs', file));
  for (const path of paths) {
    const text = await readFile(path, 'utf8');
    pages.set(path, text.replace(/^```.*?^```$/gms, ''));
  }
});

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  const seen = new Map<string, number>();
  return headings.map((heading) => {
    const name = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}-${count}`;
  });
}

async function isDead(page: string, link: string): Promise<boolean> {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : normalize(join(dirname(page), file));
  const exists = await stat(target).then(
    () => true,
    () => false,
  );
  const text = pages.get(target);
  return !exists || (anchor !== undefined && (!text || !anchorsOf(text).includes(anchor)));
}

describe('the pages', () => {
  test('link to files and headings that exist', async () => {
    const dead: string[] = [];
    let links = 0;
    for (const [page, text] of pages) {
      for (const [, link = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        links += 1;
        if (await isDead(page, link)) dead.push(`${page}: ${link}`);
      }
    }
    expect(dead).toEqual([]);
    expect(links).toBeGreaterThan(100);
  });

  test('name no npm script that is not there', async () => {
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    for (const page of pages.keys()) {
      const text = await readFile(page, 'utf8');
      const named = [...text.matchAll(/npm run ([\w:-]*\w)/g)].map(([, name]) => String(name));
      expect(named.filter((name) => !(name in scripts))).toEqual([]);
    }
  });

  test('begin with a README of at most 9,000 bytes', async () => {
    const { size } = await stat('README.md');
    expect(size).toBeLessThanOrEqual(9_000);
  });
});
