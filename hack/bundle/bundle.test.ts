import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { bundleProgram } from "./bundle.ts";
import { findPrograms } from "./programs.ts";
import { relocate } from "./relocate.ts";
import { Digests } from "./stamp.ts";

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "krate-bundle-")));
  write("pnpm-lock.yaml", "lockfileVersion: 9\n");
  write("packages/tool/package.json", '{"name":"@krate/tool","type":"module"}');
  write(
    "packages/lib/package.json",
    '{"name":"@krate/lib","type":"module","exports":{".":{"development":"./src/index.ts"}}}',
  );
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, content: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), content);
}

const build = (force = false) => {
  const program = findPrograms(root).find(({ name }) => name === "tool");
  if (!program) throw new Error("no program found");
  return bundleProgram(root, program, new Digests(root), force);
};

const runBundle = () =>
  execFileSync(process.execPath, [join(root, "packages/tool/dist/main.mjs")], { encoding: "utf8", env: {} });

describe("a program is bundled to one file that runs", () => {
  test("with its assets, its workers and what it names outside its package", async () => {
    write("crds/a.yaml", "kind: A");
    write("packages/tool/src/sql/1.sql", "select 1");
    write(
      "packages/tool/src/double.worker.ts",
      `import { parentPort } from "node:worker_threads"; parentPort?.postMessage(42 as number);`,
    );
    write(
      "packages/tool/src/main.ts",
      `import { readFileSync, readdirSync } from "node:fs";
       import { createRequire } from "node:module";
       import { Worker } from "node:worker_threads";
       const sql = readFileSync(new URL("./sql/1.sql", import.meta.url), "utf8");
       const folder = readdirSync(new URL("./sql/", import.meta.url)).join();
       const crd = readFileSync(new URL("../../../crds/a.yaml", import.meta.url), "utf8");
       const worker = new Worker(new URL("./double.worker.ts", import.meta.url));
       const manifest = createRequire(import.meta.url)("../package.json").name;
       worker.once("message", (value) => console.log([sql, folder, crd, value, manifest].join("|")));`,
    );
    expect(await build()).toBe(true);
    expect(runBundle()).toBe("select 1|1.sql|kind: A|42|@krate/tool\n");
  });

  test("CommonJS that asks for its folder gets one beside a top-level await", async () => {
    write("packages/tool/src/old.cjs", `module.exports = require("node:path").basename(__dirname);`);
    write("packages/tool/src/main.ts", `import folder from "./old.cjs"; console.log(await Promise.resolve(folder));`);
    expect(await build()).toBe(true);
    expect(runBundle()).toBe("dist\n");
  });

  test("an unchanged tree builds nothing; a changed input, asset or lockfile does", async () => {
    write("packages/tool/src/asset.txt", "one");
    write("packages/tool/src/other.ts", "export const text: string = 'a';");
    write(
      "packages/tool/src/main.ts",
      `import { text } from "./other.ts"; console.log(text, new URL("./asset.txt", import.meta.url).protocol);`,
    );
    expect(await build()).toBe(true);
    expect(await build()).toBe(false);
    expect(await build(true)).toBe(true);
    write("packages/tool/src/other.ts", "export const text: string = 'b';");
    expect(await build()).toBe(true);
    expect(runBundle()).toBe("b file:\n");
    write("packages/tool/src/asset.txt", "two");
    expect(await build()).toBe(true);
    write("pnpm-lock.yaml", "lockfileVersion: 10\n");
    expect(await build()).toBe(true);
    rmSync(join(root, "packages/tool/dist/main.mjs"));
    expect(await build()).toBe(true);
    expect(readdirSync(join(root, "packages/tool")).sort()).toEqual(["dist", "package.json", "src"]);
  });

  test("a program that does not build keeps its old bundle and leaves nothing behind", async () => {
    write("packages/tool/src/main.ts", "console.log('old');");
    await build();
    write("packages/tool/src/main.ts", "import './gone.ts';");
    await expect(build()).rejects.toThrow(/Could not resolve "\.\/gone\.ts"/);
    expect(runBundle()).toBe("old\n");
    expect(readdirSync(join(root, "packages/tool")).sort()).toEqual(["dist", "package.json", "src"]);
  });
});

describe("relocation", () => {
  const relocated = (code: string) =>
    relocate({
      path: "/r/packages/lib/src/deep/a.ts",
      code,
      packageFolder: "/r/packages/lib",
      dist: "/r/packages/tool/dist",
    });

  test.each([
    {
      reason: "a library's asset is copied under its own name, so two libraries cannot clash",
      code: `new URL("../sql/", import.meta.url)`,
      expected: `new URL("./assets/lib-sql/", import.meta.url)`,
    },
    {
      reason: "a worker becomes a file beside the bundle",
      code: `new URL('./judge.worker.ts', import.meta.url)`,
      expected: `new URL("./lib-deep-judge.worker.mjs", import.meta.url)`,
    },
    {
      reason: "a place outside the package is named from dist",
      code: `new URL("../../../../crds/", import.meta.url)`,
      expected: `new URL("../../../crds/", import.meta.url)`,
    },
    {
      reason: "require resolves from the source, whose package declares the dependency",
      code: "createRequire(import.meta.url)",
      expected: `createRequire(new URL("../../lib/src/deep/a.ts", import.meta.url))`,
    },
    {
      reason: "an absolute URL is none of ours",
      code: `new URL("https://x.test", base)`,
      expected: `new URL("https://x.test", base)`,
    },
  ])("$reason", ({ code, expected }) => {
    expect(relocated(code).code).toBe(expected);
  });

  test("import.meta.dirname is refused with file and line", () => {
    expect(() => relocated("\nconst a = import.meta.dirname;")).toThrow(/src\/deep\/a\.ts:2: import\.meta\.dirname/);
  });
});
