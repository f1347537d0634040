import { describe, expect, test } from 'vitest';
import { SUBJECTS } from '../../tools/measure/subjects.ts';
import { runTool } from '../fakes/run-tool.ts';

describe('npm run measure', () => {
  test('lists its subjects with a line each', async () => {
    const { stdout } = await runTool('measure', ['--help']);
    const listed = [...stdout.matchAll(/^ {2}([a-z][a-z-]*) +\S.*$/gm)].map(([, name]) => name);
    expect(listed).toEqual(Object.keys(SUBJECTS));
  });

  test('refuses a subject that it does not know, and lists those that it knows', async () => {
    const { code, stderr } = await runTool('measure', ['nothing', '--rounds', '3']);
    expect(code).toBe(2);
    expect(stderr).toContain('There is no subject "nothing"');
    expect(stderr).toContain(Object.keys(SUBJECTS).join(', '));
  });

  test.each(Object.entries(SUBJECTS))('explains each option of %s', async (name, { read }) => {
    const { subject } = await read();
    expect(subject.help).toContain(`npm run measure -- ${name} [--`);
    for (const option of Object.keys(subject.options)) {
      expect(subject.help).toMatch(new RegExp(`^ {2}--${option} .*\\(default: `, 'm'));
    }
  });
});
