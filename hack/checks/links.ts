import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { type Check, judge } from "./check.ts";
import { findFiles } from "./files.ts";

/** Relative links of our own Markdown; what is on the web is not ours to check. */
export const links: Check = {
  name: "links",
  promise: "every relative link and anchor in our Markdown leads somewhere",
  async run({ root }) {
    const files = findFiles(root, {
      in: ["docs", "packages", "deploy", "hack", "bench", "test-e2e"],
      matching: /^(?!.*\/testdata\/).*\.md$/,
    });
    if (existsSync(join(root, "README.md"))) files.unshift("README.md");
    const found = files.flatMap((file) =>
      linksOf(readFileSync(join(root, file), "utf8")).map((link) => ({ file, ...link })),
    );
    const findings = found.flatMap(({ file, line, target }) => {
      const problem = problemWith(root, file, target);
      return problem ? [`${file}:${line}: ${target}: ${problem}`] : [];
    });
    return judge(found.length, "links", findings, "correct the link, or restore what it pointed to");
  },
};

/** `[text](target)`, `![alt](target "title")` and `[label]: target`, outside code. */
function linksOf(markdown: string): { line: number; target: string }[] {
  return withoutCode(markdown)
    .split("\n")
    .flatMap((text, index) =>
      [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?(?:\s|$)/g)]
        .map((match) => ({ line: index + 1, target: match[1] ?? match[2] ?? "" }))
        .filter(({ target }) => !/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(target)),
    );
}

/** Code is blanked, line for line, so that line numbers stay right. */
function withoutCode(markdown: string): string {
  let fence: string | undefined;
  const kept = markdown.split("\n").map((line) => {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence === undefined && mark) fence = mark;
    else if (fence !== undefined && mark?.startsWith(fence)) fence = undefined;
    else if (fence === undefined) return line.replace(/`[^`]*`/g, "");
    return "";
  });
  return kept.join("\n");
}

function problemWith(root: string, file: string, link: string): string | undefined {
  const [path = "", anchor] = link.split("#");
  const target =
    path === ""
      ? join(root, file)
      : resolve(root, path.startsWith("/") ? `.${path}` : join(dirname(file), decodeURI(path)));
  if (relative(root, target).startsWith("..")) return "leaves the repository";
  if (!existsSync(target)) return "no such file";
  if (!anchor || !target.endsWith(".md") || !statSync(target).isFile()) return undefined;
  return anchorsOf(readFileSync(target, "utf8")).has(anchor) ? undefined : "no such heading";
}

/** GitHub's anchors: lower case, punctuation dropped, spaces to hyphens, repeats numbered. */
function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const headings = markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm);
  for (const [, text = ""] of headings) {
    const plain = text.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const base = plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
    let anchor = base;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${base}-${n}`;
    anchors.add(anchor);
  }
  for (const [, id = ""] of markdown.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}
