/**
 * Starts a clock of the processor time that this process takes, in milliseconds: what else keeps the
 * machine busy hardly counts.
 */
export function startProcessorClock(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  };
}
