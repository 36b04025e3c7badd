/** A check that cannot fail is a defect: each one is shown a tree it must pass and trees it must refuse. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { boundaries } from "./boundaries.ts";
import type { Check } from "./check.ts";
import { format } from "./format.ts";
import { generated } from "./generated.ts";
import { links } from "./links.ts";
import { lint } from "./lint.ts";
import { names } from "./names.ts";
import { size } from "./size.ts";
import { types } from "./types.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "krate-check-")));
  pack("kinds", {}, "export const kinds = 1;\n");
  write(
    "docs/architecture.md",
    "## Layers\n\n| pure | `kinds`, `codegen` | x |\n| ports | `git`, `kube` | x |\n| programs | `cli`, `runner` | x |\n| test only | `testing` | x |\n",
  );
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, content: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), content);
}

function pack(name: string, manifest: object, index: string): void {
  const entry = { ".": { development: "./src/index.ts" } };
  const text = JSON.stringify({ name: `@krate/${name}`, type: "module", exports: entry, ...manifest });
  write(`packages/${name}/package.json`, `${text}\n`);
  write(`packages/${name}/src/index.ts`, index);
}

/** The configuration of this repository and its installed tools, round the sources of a test. */
function useTools(): void {
  for (const file of ["biome.json", ".oxlintrc.json", "tsconfig.base.json", "tsconfig.json", ".gitignore"]) {
    cpSync(join(repository, file), join(root, file));
  }
  symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
  execFileSync("git", ["init", "--quiet"], { cwd: root });
}

const run = (check: Check) => check.run({ root });
const findings = async (check: Check) => (await run(check)).findings;

describe("boundaries", () => {
  test("passes a tree that follows the table", async () => {
    pack(
      "git",
      { dependencies: { "@krate/kinds": "workspace:*" } },
      `import { kinds } from "@krate/kinds"; export { kinds };`,
    );
    expect(await run(boundaries)).toEqual({ outcome: "passed", saw: "2 modules", findings: [] });
  });

  test("fails when it saw no module", async () => {
    rmSync(join(root, "packages/kinds"), { recursive: true });
    expect(await run(boundaries)).toMatchObject({ outcome: "failed", findings: ["found no modules to check"] });
  });

  test("fails when the table has lost a layer", async () => {
    write("docs/architecture.md", "## Layers\n\n| pure | `kinds` | x |\n");
    await expect(run(boundaries)).rejects.toThrow('docs/architecture.md has no row "| ports |"');
  });

  const uses = (name: string) => ({ dependencies: { [name]: "workspace:*" } });
  test.each<{ reason: string; arrange: () => void; finding: string }>([
    {
      reason: "a pure package may not import a port",
      arrange: () => {
        pack("git", {}, "export const git = 1;");
        pack("kinds", uses("@krate/git"), `import "@krate/git";`);
      },
      finding: 'packages/kinds/src/index.ts:1: "@krate/git": pure may import pure, not ports',
    },
    {
      reason: "a program may not import another, not even its types",
      arrange: () => {
        pack("cli", {}, "export type Cli = 1;");
        pack("runner", uses("@krate/cli"), `\nimport type { Cli } from "@krate/cli"; export type X = Cli;`);
      },
      finding: 'packages/runner/src/index.ts:2: "@krate/cli": programs may import pure, ports, not programs',
    },
    {
      reason: "a dynamic import counts",
      arrange: () => {
        pack("testing", {}, "export const t = 1;");
        pack("cli", uses("@krate/testing"), `export const load = () => import("@krate/testing");`);
      },
      finding: 'packages/cli/src/index.ts:1: "@krate/testing": programs may import pure, ports, not test only',
    },
    {
      reason: "a pure package does no I/O",
      arrange: () => write("packages/kinds/src/a.ts", `import { readFileSync } from "node:fs"; readFileSync("x");`),
      finding: 'packages/kinds/src/a.ts:1: "node:fs": a pure package does no I/O',
    },
    {
      reason: "a relative import stays in its package",
      arrange: () => pack("git", {}, `export * from "../../kinds/src/index.ts";`),
      finding: 'packages/git/src/index.ts:1: "../../kinds/src/index.ts": relative import leaves its package',
    },
    {
      reason: "src of another package is not its interface",
      arrange: () => pack("git", uses("@krate/kinds"), `export * from "@krate/kinds/src/index.ts";`),
      finding:
        'packages/git/src/index.ts:1: "@krate/kinds/src/index.ts": reaches into src: import what the package exports',
    },
    {
      reason: "only exported entries can be imported",
      arrange: () => pack("git", uses("@krate/kinds"), `export * from "@krate/kinds/more";`),
      finding: 'packages/git/src/index.ts:1: "@krate/kinds/more": not exported: packages/kinds/package.json exports .',
    },
    {
      reason: "a workspace package must be declared",
      arrange: () => pack("git", {}, `export * from "@krate/kinds";`),
      finding: 'packages/git/src/index.ts:1: "@krate/kinds": not declared in packages/git/package.json',
    },
    {
      reason: "a third-party package must be declared",
      arrange: () => pack("git", {}, `import pg from "pg"; pg;`),
      finding: 'packages/git/src/index.ts:1: "pg": not declared in packages/git/package.json',
    },
    {
      reason: "what runs is no devDependency",
      arrange: () => pack("git", { devDependencies: { pg: "8.0.0" } }, `import pg from "pg"; pg;`),
      finding: 'packages/git/src/index.ts:1: "pg": is a devDependency of packages/git, needed at run time',
    },
    {
      reason: "modules make no cycle",
      arrange: () => {
        write("packages/kinds/src/a.ts", `import "./b.ts";`);
        write("packages/kinds/src/b.ts", `import "./a.ts";`);
      },
      finding: "cycle: packages/kinds/src/a.ts -> packages/kinds/src/b.ts -> packages/kinds/src/a.ts",
    },
    {
      reason: "packages make no cycle",
      arrange: () => {
        pack("git", uses("@krate/kube"), `import "@krate/kube";`);
        pack("kube", uses("@krate/git"), `import "@krate/git";`);
      },
      finding: "cycle: packages/git -> packages/kube -> packages/git",
    },
    {
      reason: "a source that does not parse is named",
      arrange: () => {
        write("packages/kinds/src/a.ts", "export const = 1;");
      },
      finding: "cannot parse packages/kinds/src/a.ts: Unexpected token",
    },
    {
      reason: "a package without a layer is not overlooked",
      arrange: () => pack("surprise", {}, "export const x = 1;"),
      finding: "packages/surprise: has no layer: add it to the table in docs/architecture.md",
    },
  ])("$reason", async ({ arrange, finding }) => {
    arrange();
    expect(await findings(boundaries)).toEqual([finding]);
  });

  test("tests may import anything declared for development; type imports make no cycle; comments are no imports", async () => {
    pack("testing", {}, "export const t = 1;");
    pack(
      "git",
      { devDependencies: { "@krate/testing": "workspace:*" } },
      `// import "pg"\nexport const s = 'import "pg"';`,
    );
    write("packages/git/src/a.test.ts", `import "@krate/testing"; import "@jest/globals";`);
    write("packages/git/src/b.ts", `import type { C } from "./c.ts"; export type B = C;`);
    write("packages/git/src/c.ts", `import "./b.ts"; export type C = 1;`);
    expect(await findings(boundaries)).toEqual([]);
  });
});

describe("format and lint", () => {
  beforeEach(useTools);

  test("format passes what is formatted and names what is not", async () => {
    write("packages/kinds/package.json", '{ "name": "@krate/kinds" }\n');
    expect(await findings(format)).toEqual([]);
    write("packages/kinds/src/a.ts", "export const a   = 1\n");
    expect(await findings(format)).toEqual([
      expect.stringMatching(/^packages\/kinds\/src\/a\.ts:\d+: is not formatted$/),
    ]);
  });

  test("lint passes clean code and names what syntax and types show", async () => {
    expect(await run(lint)).toMatchObject({ outcome: "passed" });
    write("packages/kinds/src/a.ts", "export function f(a: number) {\n  debugger;\n  return a;\n}\n");
    write("packages/kinds/src/b.ts", "const work = async () => 1;\nexport function f() {\n  work();\n}\n");
    const found = await findings(lint);
    expect(found).toContainEqual(expect.stringContaining("packages/kinds/src/a.ts:2: lint/suspicious/noDebugger"));
    expect(found).toContainEqual(expect.stringMatching(/packages\/kinds\/src\/b\.ts:3:.*no-floating-promises/));
  }, 20_000);

  test("types passes what is typed and names file and line of an error", async () => {
    expect(await run(types)).toEqual({ outcome: "passed", saw: "1 files", findings: [] });
    write("packages/kinds/src/a.ts", "\nexport const a: string = 1;\n");
    expect(await findings(types)).toEqual([
      expect.stringMatching(/^packages\/kinds\/src\/a\.ts\(2,14\): error TS2322/),
    ]);
  }, 20_000);
});

describe("generated", () => {
  beforeEach(() => {
    useTools();
    write("crds/a.yaml", "one\n");
  });
  const generator = (text: string) =>
    write(
      "packages/codegen/src/main.ts",
      `import { writeFileSync } from "node:fs"; writeFileSync("crds/a.yaml", ${JSON.stringify(text)});`,
    );

  test("passes when the generator changes nothing, whatever else is uncommitted", async () => {
    generator("one\n");
    expect(await run(generated)).toEqual({ outcome: "passed", saw: "the working tree", findings: [] });
  });

  test("names each file that was not current", async () => {
    generator("two\n");
    expect(await findings(generated)).toEqual(["crds/a.yaml: was not current"]);
    expect(await findings(generated)).toEqual([]);
  });

  test("fails with the generator's own words when it fails, and when there is none", async () => {
    write("packages/codegen/src/main.ts", `console.error("kind Foo has no docs"); process.exit(1);`);
    expect(await run(generated)).toMatchObject({ outcome: "failed", findings: ["kind Foo has no docs"] });
    rmSync(join(root, "packages/codegen"), { recursive: true });
    expect(await run(generated)).toMatchObject({ outcome: "failed" });
  });
});

describe("links", () => {
  test("passes links that lead somewhere, and looks into no code", async () => {
    write(
      "README.md",
      "# Top\n[a](docs/a.md#two-words) [web](https://x.test) [self](#top)\n```\n[no](gone.md)\n```\n`[no](gone.md)`\n",
    );
    rmSync(join(root, "docs/architecture.md"));
    write("docs/a.md", "## Two *words*!\n[up](../README.md)\n");
    expect(await run(links)).toEqual({ outcome: "passed", saw: "3 links", findings: [] });
  });

  test("names a missing file, a missing heading and a way out of the repository", async () => {
    write("docs/a.md", "# A\n\n[x](gone.md) [y](#b)\n[z]: ../../out.md\n");
    expect(await findings(links)).toEqual([
      "docs/a.md:3: gone.md: no such file",
      "docs/a.md:3: #b: no such heading",
      "docs/a.md:4: ../../out.md: leaves the repository",
    ]);
  });
});

describe("names", () => {
  test.each([
    ["a path of one machine", `cd ${["", "work", "main"].join("/")}/x`],
    ["a path of one machine", `cat ${["", "tmp", "krate", "notes"].join("/")}`],
    ["a package registry's host", `https://${["registry", "npmjs", "org"].join(".")}/x`],
  ])("%s is found", async (what, text) => {
    write("docs/a.md", `fine\n${text}\n`);
    expect(await findings(names)).toEqual([`docs/a.md:2: ${what}: ${text}`]);
  });

  test("look-alikes are not", async () => {
    write("docs/a.md", "image.test/work/main ./work/main /tmp/krate-123 https://host.test/home/page/x /home/user/x\n");
    expect(await findings(names)).toEqual([]);
  });
});

describe("size", () => {
  test("a long source is a warning with its length", async () => {
    write("packages/kinds/src/long.ts", "\n".repeat(501));
    expect(await run(size)).toMatchObject({ outcome: "warned", findings: ["packages/kinds/src/long.ts: 501 lines"] });
  });
});
