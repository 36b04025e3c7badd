/** What a layer came to. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** Why something was skipped or failed outside a test: shown at the end. */
  notes: string[];
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0, notes: [] };

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, { passed, failed, skipped, notes }) => ({
      passed: total.passed + passed,
      failed: total.failed + failed,
      skipped: total.skipped + skipped,
      notes: [...total.notes, ...notes],
    }),
    nothing,
  );
}

/** The last line of `npm test`. */
export function summaryLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** A run in which nothing was tested has not succeeded. */
export function exitCode({ passed, failed }: Tally): number {
  return failed === 0 && passed > 0 ? 0 : 1;
}
