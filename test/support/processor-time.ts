/**
 * Starts a clock of this process's processor time, in milliseconds: other load on the machine hardly
 * affects it.
 */
export function startProcessorClock(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  };
}
