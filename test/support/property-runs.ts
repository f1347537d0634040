/** Returns the number of runs of a property: `count` times the factor PROPERTY_RUNS, which .ci/run sets. */
export function propertyRuns(count: number): { readonly numRuns: number } {
  return { numRuns: count * Number(process.env['PROPERTY_RUNS'] ?? 1) };
}
