/**
 * When which part of a log was written, to a fraction of a second. A process writes straight into its log, so nobody can
 * stamp its lines; the node notes the size of the log each time it looks. What was written while the node was away has the
 * time of its return.
 */
import { appendFileSync, readFileSync } from "node:fs";

interface Mark {
  /** Milliseconds since 1970. */
  at: number;
  /** Bytes of the log at that time. */
  size: number;
}

export class LogTimes {
  readonly #file: string;
  readonly #marks: Mark[];

  /** @param file is read now and appended to later */
  constructor(file: string) {
    this.#file = file;
    this.#marks = parseMarks(file);
  }

  observe(size: number, now: number): void {
    if (size <= (this.#marks.at(-1)?.size ?? 0)) return;
    this.#marks.push({ at: now, size });
    appendFileSync(this.#file, `${now} ${size}\n`, { mode: 0o600 });
  }

  /** When the byte at `offset` was written; undefined when nobody has looked since. */
  timeOf(offset: number): number | undefined {
    return this.#marks[this.#first((mark) => mark.size > offset)]?.at;
  }

  /** First byte written at `time` or later; undefined when there is none yet. */
  offsetSince(time: number): number | undefined {
    const index = this.#first((mark) => mark.at >= time);
    return index === this.#marks.length ? undefined : (this.#marks[index - 1]?.size ?? 0);
  }

  /** Index of the first mark for which `holds`, which once true stays true. */
  #first(holds: (mark: Mark) => boolean): number {
    let [low, high] = [0, this.#marks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.#marks[middle] as Mark)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function parseMarks(file: string): Mark[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  // A last line that was cut short by a crash is no mark.
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => line.split(" ").map(Number)).map(([at = 0, size = 0]) => ({ at, size }));
}
