import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalHost, startLocalHost } from '../../tools/local-host/local-host.ts';

type Run = {
  readonly name: string;
  readonly timer: {
    readonly isPastDue: boolean;
    readonly scheduleStatus: { readonly last: string; readonly next: string };
  };
  readonly underWay: number;
};

function start(env: Readonly<Record<string, string>>): Promise<LocalHost> {
  return startLocalHost({
    appFolder: fileURLToPath(new URL('../fixtures/quirks-app/timers', import.meta.url)),
    env: { 'AzureWebJobs.disabled.Disabled': 'true', ...env },
    onOutput: () => undefined,
  });
}

describe('timers of the local host', () => {
  let host: LocalHost;
  beforeAll(async () => {
    host = await start({ EVERY_SECOND: '* * * * * *' });
  });
  afterAll(() => host.close());

  async function runsOf(name: string): Promise<readonly Run[]> {
    const response = await fetch(`${host.url}/api/timer-runs`);
    return ((await response.json()) as readonly Run[]).filter((run) => run.name === name);
  }
  const command = (name: string, method = 'POST') =>
    fetch(`${host.url}/admin/functions/${name}`, {
      method,
      body: method === 'GET' ? null : '{"input":""}',
    });

  test('run at their times, of a setting too, one run at a time', async () => {
    await expect.poll(async () => (await runsOf('every-second')).length).toBeGreaterThan(2);
    const runs = await runsOf('every-second');
    expect(runs.every(({ underWay }) => underWay === 1)).toBe(true);
    expect(runs[0]?.timer.isPastDue).toBe(false);
    expect(runs[0]?.timer.scheduleStatus.last).toBe('0001-01-01T00:00:00+00:00');
    expect(Date.parse(runs[1]?.timer.scheduleStatus.last ?? '')).toBeGreaterThan(
      Date.now() - 60_000,
    );
  });

  test('run at the start where they ask for it, and never when disabled', async () => {
    await expect.poll(() => runsOf('at-start')).not.toHaveLength(0);
    expect(await runsOf('disabled')).toEqual([]);
  });

  test('run when they are told to', async () => {
    const before = (await runsOf('at-start')).length;
    expect((await command('at-start')).status).toBe(202);
    await expect.poll(async () => (await runsOf('at-start')).length).toBe(before + 1);
  });

  test('are not found by another name or by that of an HTTP function', async () => {
    expect((await command('nobody')).status).toBe(404);
    expect((await command('timer-runs')).status).toBe(404);
    expect((await command('at-start', 'GET')).status).toBe(404);
  });

  test('that fail stop nothing', async () => {
    expect((await command('failing')).status).toBe(202);
    const before = (await runsOf('every-second')).length;
    await expect.poll(async () => (await runsOf('every-second')).length).toBeGreaterThan(before);
  });
});

test.each(['often', '', '00:05:00', '99 * * * * *', '* * * * * * *'])(
  'a schedule "%s" is refused at the start',
  async (schedule) => {
    await expect(start({ EVERY_SECOND: schedule })).rejects.toThrow('every-second');
  },
);
