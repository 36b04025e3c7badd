/** Reads typed values out of a YAML tree and remembers what is wrong where, so that one pass reports everything. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from "yaml";
import type { WorkflowProblem } from "./workflow.ts";

/** A workflow file is a page or two; this is a dozen times that. Reading takes time square to the number of keys. */
export const maxWorkflowBytes = 64 * 1024;
/** The parser calls itself once per level. */
const maxDepth = 100;
const maxAliases = 100;

/** Brackets still open, counted without regard to quotes: no page of text has that many. */
function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (const character of text) {
    if (character === "[" || character === "{") depth++;
    else if ((character === "]" || character === "}") && depth > 0) depth--;
    if (depth > limit) return true;
  }
  return false;
}

export class YamlReader {
  readonly problems: WorkflowProblem[] = [];
  readonly root: Node | null;
  readonly #lines = new LineCounter();

  constructor(text: string) {
    if (Buffer.byteLength(text) > maxWorkflowBytes) {
      this.root = null;
      this.problems.push({ line: 1, column: 1, message: `is larger than ${maxWorkflowBytes} bytes` });
      return;
    }
    if (isDeeperThan(text, maxDepth)) {
      this.root = null;
      this.problems.push({ line: 1, column: 1, message: `nests [ and { deeper than ${maxDepth} levels` });
      return;
    }
    const document = parseDocument(text, { lineCounter: this.#lines, version: "1.2", uniqueKeys: true });
    for (const { pos, message } of document.errors) {
      const at = this.#lines.linePos(pos[0]);
      this.problems.push({
        line: at.line,
        column: at.col,
        message: message.split("\n")[0]?.replace(/ at line .*$/, "") ?? "",
      });
    }
    this.root = this.problems.length === 0 ? this.#withoutAliases(document.contents, text) : null;
  }

  /** Aliases could make a small file endless; nobody writes them in workflows. */
  #withoutAliases(node: Node | null, text: string): Node | null {
    const aliases = text.match(/(^|[\s[{,:-])\*[A-Za-z0-9_]/g)?.length ?? 0;
    if (aliases > maxAliases) {
      this.problems.push({ line: 1, column: 1, message: `uses more than ${maxAliases} YAML aliases` });
      return null;
    }
    return node;
  }

  fail(node: Node | null | undefined, message: string): undefined {
    const at = this.#lines.linePos(node?.range?.[0] ?? 0);
    this.problems.push({ line: Math.max(1, at.line), column: Math.max(1, at.col), message });
    return undefined;
  }

  map(node: unknown, what: string): YAMLMap<Node, Node> | undefined {
    if (isMap(node)) return node as YAMLMap<Node, Node>;
    return this.fail(node as Node, `${what} must be a mapping`);
  }

  /** Members of a mapping by name; a key outside `allowed` is a problem that lists what is allowed. */
  members(node: unknown, what: string, allowed?: readonly string[]): Map<string, Node> {
    const map = this.map(node, what);
    const members = new Map<string, Node>();
    for (const { key, value } of map?.items ?? []) {
      const name = isScalar(key) ? String(key.value) : undefined;
      if (name === undefined) this.fail(key, `a key of ${what} must be text`);
      else if (allowed && !allowed.includes(name)) {
        this.fail(key, `${what} has no "${name}": allowed are ${allowed.join(", ")}`);
      } else members.set(name, (value ?? key) as Node);
    }
    return members;
  }

  /** Text of a scalar: numbers and booleans as written. */
  text(node: unknown, what: string): string | undefined {
    if (isScalar(node)) return node.value === null ? "" : String(node.value);
    if (isAlias(node)) return this.fail(node, `${what} must be written out: aliases are not supported here`);
    return this.fail(node as Node, `${what} must be text`);
  }

  number(node: unknown, what: string): number | undefined {
    const value = Number(this.text(node, what));
    return Number.isFinite(value) && value > 0 ? value : this.fail(node as Node, `${what} must be a number above 0`);
  }

  boolean(node: unknown, what: string): boolean | undefined {
    const value = this.text(node, what);
    if (value === "true" || value === "false") return value === "true";
    return value === undefined ? undefined : this.fail(node as Node, `${what} must be true or false`);
  }

  /** One text or a list of them. */
  texts(node: unknown, what: string): string[] {
    const items = isSeq(node) ? (node.items as Node[]) : [node as Node];
    return items.flatMap((item) => this.text(item, `each entry of ${what}`) ?? []);
  }

  textMap(node: unknown, what: string): Record<string, string> {
    const entries: [string, string][] = [];
    for (const [name, value] of this.members(node, what)) {
      const text = this.text(value, `${what}.${name}`);
      if (text !== undefined) entries.push([name, text]);
    }
    return Object.fromEntries(entries);
  }

  list(node: unknown, what: string): Node[] {
    if (isSeq(node)) return node.items as Node[];
    this.fail(node as Node, `${what} must be a list`);
    return [];
  }
}
