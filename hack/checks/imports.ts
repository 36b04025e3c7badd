/** Reads what a source imports, with a real parser: a pattern would take comments and strings for imports. */
import { parseSync, Visitor } from "oxc-parser";

export interface Import {
  /** As written: `./a.ts`, `node:fs`, `@krate/kinds`, `pg`. */
  specifier: string;
  line: number;
  /** True when it vanishes at run time (`import type`, or only `type` names). */
  typeOnly: boolean;
}

/** @throws when the file does not parse; the text names it. */
export function importsOf(file: string, code: string): Import[] {
  const { module, errors, program } = parseSync(file, code);
  const broken = errors.find(({ severity }) => severity === "Error");
  if (broken) throw new Error(`cannot parse ${file}: ${broken.message}`);
  const found: { specifier: string; start: number; typeOnly: boolean }[] = [];
  for (const { moduleRequest, entries, start } of module.staticImports) {
    const typeOnly = entries.length > 0 && entries.every(({ isType }) => isType);
    found.push({ specifier: moduleRequest.value, start, typeOnly });
  }
  for (const { entries, start } of module.staticExports) {
    const from = entries.find(({ moduleRequest }) => moduleRequest)?.moduleRequest;
    if (from) found.push({ specifier: from.value, start, typeOnly: entries.every(({ isType }) => isType) });
  }
  // `import("x")` as an expression or as a type: only these need the whole tree
  if (/\bimport\s*\(/.test(code)) {
    new Visitor({
      ImportExpression({ source, start }) {
        if (source.type === "Literal" && typeof source.value === "string") {
          found.push({ specifier: source.value, start, typeOnly: false });
        }
      },
      TSImportType({ source, start }) {
        found.push({ specifier: source.value, start, typeOnly: true });
      },
    }).visit(program);
  }
  return found
    .sort((a, b) => a.start - b.start)
    .map(({ specifier, start, typeOnly }) => ({ specifier, typeOnly, line: lineAt(code, start) }));
}

function lineAt(code: string, offset: number): number {
  return code.slice(0, offset).split("\n").length;
}
