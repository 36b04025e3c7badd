/**
 * Ref names, by the rules of git-check-ref-format(1):
 *
 *   1. hierarchical; no component begins with "." or ends with ".lock"
 *   2. at least one "/" (two components)
 *   3. no ".." anywhere
 *   4. no ASCII control, space, "~", "^", ":"
 *   5. no "?", "*", "["
 *   6. does not begin or end with "/", no "//"
 *   7. does not end with "."
 *   8. no "@{"
 *   9. is not "@"
 *  10. no "\"
 *
 * On top of these Krate refuses what a file system or a person could take for another name: names longer than 255 bytes,
 * bytes that are not UTF-8, names that Unicode would compose differently (not NFC),
 * invisible or direction-changing characters, and ".git" as a component in any case.
 */
const maxRefNameBytes = 255;
// biome-ignore lint/suspicious/noControlCharactersInRegex: rule 4 is about control characters.
const forbiddenCharacters = /[\x00-\x20\x7f~^:?*[\\]/;
/** Zero-width, bidirectional controls, byte-order mark, C1 controls, line and paragraph separators, tags. */
const invisibleCharacters =
  /[\u0080-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/u;

/** Why `name` cannot be a ref name, as half a sentence, or undefined when it can. */
export function refNameProblem(name: string): string | undefined {
  if (Buffer.byteLength(name) > maxRefNameBytes) return `must not be longer than ${maxRefNameBytes} bytes`;
  if (!name.includes("/")) return 'must have at least two components, such as "refs/heads/main"';
  if (name.includes("..")) return 'must not contain ".."';
  if (name.includes("@{")) return 'must not contain "@{"';
  if (name.endsWith(".")) return 'must not end with "."';
  if (forbiddenCharacters.test(name)) return "must not contain a space, a control character or one of ~ ^ : ? * [ \\";
  if (name.includes("\ufffd")) return "must be valid UTF-8";
  if (invisibleCharacters.test(name)) return "must not contain invisible or direction-changing characters";
  if (name.normalize("NFC") !== name) return "must be in Unicode normalization form C";
  for (const component of name.split("/")) {
    const problem = componentProblem(component);
    if (problem) return problem;
  }
  return undefined;
}

function componentProblem(component: string): string | undefined {
  if (component === "") return 'must not begin or end with "/" or contain "//"';
  if (component.startsWith(".")) return 'must not have a component that begins with "."';
  if (component.toLowerCase().endsWith(".lock")) return 'must not have a component that ends with ".lock"';
  if (component.toLowerCase() === ".git") return 'must not have a component ".git"';
  return undefined;
}

/** Whether `name` is a ref a client may name: valid and below "refs/". "HEAD" and other pseudo-refs are not. */
export function isRefName(name: string): boolean {
  return name.startsWith("refs/") && refNameProblem(name) === undefined;
}

/** Whether `name` is a valid branch name, so that `refs/heads/<name>` is a valid ref. A leading "-" is refused as git-branch does. */
export function isBranchName(name: string): boolean {
  return !name.startsWith("-") && name !== "HEAD" && refNameProblem(`refs/heads/${name}`) === undefined;
}

/** `refs/heads/x` → `x`, `refs/tags/x` → `x`; any other ref unchanged. */
export function shortRefName(ref: string): string {
  return ref.replace(/^refs\/(?:heads|tags)\//, "");
}
