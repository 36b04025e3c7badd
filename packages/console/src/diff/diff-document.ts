/**
 * A unified diff while it arrives, kept small: one number per row and column in typed arrays, the text in one array of strings. A
 * hundred thousand lines take about 12 MB.
 *
 * What it reads (git-diff, "Generating patch text with -p"):
 *
 *   diff --git a/<old> b/<new>
 *   [old mode|new mode|deleted file mode|new file mode|similarity index|rename from|rename to|index|Binary files …]…
 *   --- a/<old> | /dev/null
 *   +++ b/<new> | /dev/null
 *   @@ -<start>[,<count>] +<start>[,<count>] @@ <section>
 *   " " context   "-" removed   "+" added   "\ No newline at end of file"
 */
export const rowKind = { file: 0, hunk: 1, context: 2, added: 3, removed: 4, note: 5 } as const;
export type RowKind = (typeof rowKind)[keyof typeof rowKind];

export interface DiffFile {
  path: string;
  previousPath?: string;
  change: "modified" | "added" | "deleted" | "renamed";
  binary: boolean;
  additions: number;
  deletions: number;
  /** Index of its header row. */
  row: number;
}

/** Longer lines are cut: no screen shows them, and one of a megabyte stops a browser. */
const maxLineLength = 4000;
const firstCapacity = 1024;

export class DiffDocument {
  readonly files: DiffFile[] = [];
  readonly texts: string[] = [];
  #kinds = new Uint8Array(firstCapacity);
  #oldLines = new Int32Array(firstCapacity);
  #newLines = new Int32Array(firstCapacity);
  #fileOf = new Int32Array(firstCapacity);
  #rest = "";
  #oldLine = 0;
  #newLine = 0;
  /** Lines the hunk still has to come, by its header; what a line means depends on it. */
  #oldLeft = 0;
  #newLeft = 0;

  get length(): number {
    return this.texts.length;
  }

  kind(row: number): RowKind {
    return this.#kinds[row] as RowKind;
  }

  /** Line number in the old file; 0 where there is none. */
  oldLine(row: number): number {
    return this.#oldLines[row] ?? 0;
  }

  newLine(row: number): number {
    return this.#newLines[row] ?? 0;
  }

  /** Index of the file a row belongs to. */
  fileOf(row: number): number {
    return this.#fileOf[row] ?? 0;
  }

  /** Adds a piece of the diff, cut anywhere. */
  write(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  end(): void {
    if (this.#rest !== "") this.#line(this.#rest);
    this.#rest = "";
  }

  #line(line: string): void {
    if (this.#oldLeft > 0 || this.#newLeft > 0) this.#hunkLine(line);
    else if (line.startsWith("\\")) this.#push(rowKind.note, line.slice(2), 0, 0);
    else if (line.startsWith("diff --git ")) this.#startFile(line);
    else if (line.startsWith("@@ ")) this.#startHunk(line);
    else this.#headerLine(line);
  }

  #hunkLine(line: string): void {
    const text = line.slice(1, maxLineLength);
    const file = this.files.at(-1) as DiffFile;
    switch (line[0]) {
      case "+":
        this.#newLeft--;
        file.additions++;
        return this.#push(rowKind.added, text, 0, this.#newLine++);
      case "-":
        this.#oldLeft--;
        file.deletions++;
        return this.#push(rowKind.removed, text, this.#oldLine++, 0);
      case "\\":
        return this.#push(rowKind.note, line.slice(2), 0, 0);
      default:
        this.#oldLeft--;
        this.#newLeft--;
        return this.#push(rowKind.context, text, this.#oldLine++, this.#newLine++);
    }
  }

  #startFile(line: string): void {
    const path = pathOfHeader(line);
    this.files.push({ path, change: "modified", binary: false, additions: 0, deletions: 0, row: this.length });
    this.#push(rowKind.file, "", 0, 0);
  }

  #startHunk(line: string): void {
    const match = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)/.exec(line);
    if (!match) return;
    const count = (text: string | undefined) => (text === undefined ? 1 : Number(text));
    this.#oldLine = Number(match[1]);
    this.#newLine = Number(match[3]);
    this.#oldLeft = count(match[2]);
    this.#newLeft = count(match[4]);
    this.#push(rowKind.hunk, line.slice(0, maxLineLength), 0, 0);
  }

  #headerLine(line: string): void {
    const file = this.files.at(-1);
    if (!file) return;
    if (line.startsWith("new file")) file.change = "added";
    else if (line.startsWith("deleted file")) file.change = "deleted";
    else if (line.startsWith("rename from "))
      Object.assign(file, { change: "renamed", previousPath: unquoted(line.slice(12)) });
    else if (line.startsWith("rename to ")) file.path = unquoted(line.slice(10));
    else if (line.startsWith("+++ ") && line !== "+++ /dev/null")
      file.path = unquoted(line.slice(4).replace(/\t$/, "")).slice(2);
    else if (line.startsWith("--- ") && line !== "--- /dev/null" && file.change === "deleted")
      file.path = unquoted(line.slice(4).replace(/\t$/, "")).slice(2);
    else if (line.startsWith("Binary files ") || line === "GIT binary patch") {
      file.binary = true;
      this.#push(rowKind.note, "Binary file", 0, 0);
    }
  }

  #push(kind: RowKind, text: string, oldLine: number, newLine: number): void {
    const row = this.length;
    if (row === this.#kinds.length) this.#grow();
    this.#kinds[row] = kind;
    this.#oldLines[row] = oldLine;
    this.#newLines[row] = newLine;
    this.#fileOf[row] = this.files.length - 1;
    this.texts.push(text);
  }

  #grow(): void {
    const capacity = this.#kinds.length * 2;
    const larger = <T extends Uint8Array | Int32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#kinds = larger(this.#kinds, new Uint8Array(capacity));
    this.#oldLines = larger(this.#oldLines, new Int32Array(capacity));
    this.#newLines = larger(this.#newLines, new Int32Array(capacity));
    this.#fileOf = larger(this.#fileOf, new Int32Array(capacity));
  }
}

/** The path in `diff --git a/x b/x`: both are equal unless the file was renamed, and then other lines say so. */
function pathOfHeader(line: string): string {
  const names = line.slice("diff --git ".length);
  if (names.startsWith('"')) return unquoted(names.slice(0, names.indexOf('" ') + 1)).slice(2);
  return names.slice(2, (names.length - 1) / 2);
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" };

/** Undoes git's C quoting of unusual paths: octal escapes are bytes of UTF-8. */
export function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [part] of text.slice(1, -1).matchAll(/\\[0-7]{3}|\\.|[^\\]+/gs)) {
    if (/^\\[0-7]{3}$/.test(part)) bytes.push(Number.parseInt(part.slice(1), 8));
    else if (part.startsWith("\\")) bytes.push(...encoder.encode(escapes[part[1] ?? ""] ?? part.slice(1)));
    else bytes.push(...encoder.encode(part));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
