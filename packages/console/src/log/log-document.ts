/**
 * The log of a job, cut into the sections of its steps. The runner writes markers on lines of their own (docs/architecture.md, CI):
 *
 *   ##[krate]{"step":2,"phase":"Running"}
 */
export type LogRow = { step: number } | { line: string; number: number };

const markerPrefix = "##[krate]";

export class LogDocument {
  readonly rows: LogRow[] = [];
  /** Row of each step's heading, by step number. */
  readonly steps = new Map<number, number>();
  #lines = 0;

  add(lines: readonly string[]): void {
    for (const line of lines) {
      const step = stepOfMarker(line);
      if (step === undefined) this.rows.push({ line, number: ++this.#lines });
      else if (step !== null && !this.steps.has(step)) {
        this.steps.set(step, this.rows.length);
        this.rows.push({ step });
      }
    }
  }
}

/** The step a marker names; null for a marker that names none, undefined for a line of the log. */
function stepOfMarker(line: string): number | null | undefined {
  if (!line.startsWith(markerPrefix)) return undefined;
  try {
    const { step } = JSON.parse(line.slice(markerPrefix.length)) as { step?: unknown };
    return typeof step === "number" ? step : null;
  } catch {
    // A program may print the prefix itself: then it is text.
    return undefined;
  }
}
