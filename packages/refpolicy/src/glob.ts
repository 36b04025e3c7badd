/**
 * Globs over slash-separated names (refs, paths).
 *
 *   `*`           any characters but `/`, also none
 *   `**`          any characters, also none
 *   `**` and `/`  at the start of a segment: any number of whole segments, also none, so that `refs/heads/` + `**` + `/x`
 *                 also matches refs/heads/x
 *
 * Everything else stands for itself. Matching is a simulation of the automaton: linear in both, whatever the pattern.
 */

type Token = { type: "char"; char: string } | { type: "star" | "globstar" } | { type: "segments" };

function tokenize(glob: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at] as string;
    if (char !== "*") {
      tokens.push({ type: "char", char });
    } else if (glob[at + 1] !== "*") {
      tokens.push({ type: "star" });
    } else if (glob[at + 2] === "/" && (at === 0 || glob[at - 1] === "/")) {
      tokens.push({ type: "segments" });
      at += 2;
    } else {
      tokens.push({ type: "globstar" });
      at += 1;
    }
  }
  return tokens;
}

/** A prepared glob: `true` when the whole of `text` matches. */
export function globMatcher(glob: string): (text: string) => boolean {
  const star = glob.indexOf("*");
  if (star < 0) return (text) => text === glob;
  const prefix = glob.slice(0, star);
  const rest = glob.slice(star);
  // What most rules say: everything below a prefix, or one segment below it.
  if (rest === "**") return (text) => text.startsWith(prefix);
  if (rest === "*") return (text) => text.startsWith(prefix) && !text.includes("/", prefix.length);
  const matches = automaton(glob);
  return (text) => text.startsWith(prefix) && matches(text);
}

function automaton(glob: string): (text: string) => boolean {
  const tokens = tokenize(glob);
  const end = tokens.length;
  /** Adds `state` and every state reachable from it without a character. */
  const enter = (states: Set<number>, state: number): void => {
    for (let at = state; ; at++) {
      states.add(at);
      const token = tokens[at];
      if (token === undefined || token.type === "char") return;
    }
  };
  return (text) => {
    let states = new Set<number>();
    enter(states, 0);
    for (const char of text) {
      const next = new Set<number>();
      for (const state of states) step(tokens[state], state, char, next, enter);
      if (next.size === 0) return false;
      states = next;
    }
    return states.has(end);
  };
}

function step(
  token: Token | undefined,
  state: number,
  char: string,
  next: Set<number>,
  enter: (states: Set<number>, state: number) => void,
): void {
  switch (token?.type) {
    case "char":
      if (token.char === char) enter(next, state + 1);
      return;
    case "star":
      if (char !== "/") enter(next, state);
      return;
    case "globstar":
      enter(next, state);
      return;
    case "segments":
      // Inside a run of segments: only a slash may leave it.
      if (char === "/") enter(next, state);
      else next.add(state);
      return;
    case undefined:
      return;
  }
}

/** True when `ref` (a full name such as refs/heads/main) matches `glob`. */
export function matchRef(glob: string, ref: string): boolean {
  return globMatcher(glob)(ref);
}

/** A path is matched by a glob of itself or of any folder it lies in. */
export function pathMatcher(glob: string): (path: string) => boolean {
  const matches = globMatcher(glob.replace(/\/+$/, ""));
  return (path) => {
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
      if (matches(path.slice(0, slash))) return true;
    }
    return matches(path);
  };
}
