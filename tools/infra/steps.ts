/** Runs named steps and reports on stderr how each went and how long it took. */
export type Steps = {
  /** Runs a step, a promise of problems; resolves to whether there were none. */
  run(name: string, step: () => Promise<readonly string[]>): Promise<boolean>;
  readonly failed: number;
};

export function createSteps(): Steps {
  let failed = 0;
  return {
    async run(name, step) {
      const start = performance.now();
      const problems = await step();
      const seconds = ((performance.now() - start) / 1_000).toFixed(1);
      const isOk = problems.length === 0;
      if (!isOk) failed += 1;
      console.error(`${isOk ? 'ok    ' : 'not ok'}  ${name} (${seconds} s)`);
      for (const problem of problems) console.error(`  ${problem.replaceAll('\n', '\n    ')}`);
      return isOk;
    },
    get failed() {
      return failed;
    },
  };
}
