/** The runs of a property: `count`, or as many times more as PROPERTY_RUNS says, as in .ci/run. */
export function propertyRuns(count: number): { readonly numRuns: number } {
  return { numRuns: count * Number(process.env['PROPERTY_RUNS'] ?? 1) };
}
