/** One file of a diff, or a part of it. */
export interface FilePatch {
  path: string;
  previousPath?: string;
  kind: "added" | "deleted" | "modified" | "renamed" | "copied";
  binary: boolean;
  patch: string;
  /** The next patch goes on with the same file. */
  more?: true;
}

/** Largest part in bytes; a longer patch is told in several. */
const maxPartBytes = 1024 * 1024;
/** A longer line (of a minified file) is cut into parts as well. */
const maxLineBytes = 1024 * 1024;

/**
 * Cuts a unified diff of git into its files while it is read. A line that begins with "diff --git " begins a file: inside one every line
 * begins with a space, "+", "-", "@", "\" or a word of an extended header.
 */
export async function* filePatches(diff: AsyncIterable<Buffer>): AsyncGenerator<FilePatch> {
  let header: string[] = [];
  let body: string[] = [];
  let size = 0;
  let isHeader = false;
  let binary = false;
  const take = (more: boolean): FilePatch => {
    const patch = {
      ...described(header),
      binary,
      patch: `${[...(isHeader ? header : []), ...body].join("")}`,
      ...(more ? { more: true as const } : {}),
    };
    body = [];
    size = 0;
    isHeader = false;
    return patch;
  };
  let inHeader = false;
  for await (const line of linesOf(diff)) {
    if (line.startsWith("diff --git ")) {
      if (header.length > 0) yield take(false);
      header = [line];
      inHeader = isHeader = true;
      binary = false;
      continue;
    }
    if (header.length === 0) continue;
    if (inHeader && !/^(?:@@|Binary files |GIT binary patch)/.test(line)) {
      header.push(line);
      continue;
    }
    if (inHeader) binary = !line.startsWith("@@");
    inHeader = false;
    if (size > 0 && size + line.length > maxPartBytes) yield take(true);
    body.push(line);
    size += line.length;
  }
  if (header.length > 0) yield take(false);
}

/** What the extended header says: `rename from`, `new file mode`, and names behind `---` and `+++`. */
function described(header: readonly string[]): Omit<FilePatch, "patch" | "more" | "binary"> {
  const value = (key: string) =>
    header
      .find((line) => line.startsWith(key))
      ?.slice(key.length)
      .replace(/\r?\n$/, "");
  const kind = value("new file mode ") ? "added" : value("deleted file mode ") ? "deleted" : undefined;
  const from = value("rename from ") ?? value("copy from ");
  const to = value("rename to ") ?? value("copy to ");
  const moved = value("rename from ") ? "renamed" : "copied";
  if (from !== undefined && to !== undefined) return { path: unquoted(to), previousPath: unquoted(from), kind: moved };
  const name = nameOf(value("+++ "), "b/") ?? nameOf(value("--- "), "a/") ?? sameName(header[0] ?? "");
  return { path: name, kind: kind ?? "modified" };
}

function nameOf(text: string | undefined, prefix: string): string | undefined {
  if (text === undefined) return undefined;
  // git ends a name that has a space in it with a tab.
  const name = unquoted(text.replace(/\t$/, ""));
  return name === "/dev/null" ? undefined : name.slice(prefix.length);
}

/** `diff --git a/<name> b/<name>`: of a file without lines both names are the same, so the middle is known. */
function sameName(line: string): string {
  const names = line.slice("diff --git ".length).replace(/\r?\n$/, "");
  return unquoted(names.slice((names.length + 1) / 2)).slice("b/".length);
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" };

/** Undoes git's quoting of names with control characters, quotes and backslashes. */
function unquoted(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"')) return text;
  const bytes = Buffer.from(text.slice(1, -1)).toString("latin1");
  const plain = bytes.replace(/\\([0-7]{3}|.)/gs, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (escapes[code] ?? code),
  );
  return Buffer.from(plain, "latin1").toString("utf8");
}

/** Lines with their ends; a very long one in parts. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      yield rest.slice(start, end + 1);
      start = end + 1;
    }
    rest = rest.slice(start);
    if (rest.length > maxLineBytes) {
      yield rest;
      rest = "";
    }
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
