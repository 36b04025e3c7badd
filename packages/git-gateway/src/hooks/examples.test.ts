/** The hooks of examples/hooks, compiled as their README says, judging pushes of the real git. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type BundleRule, evaluatePush, runPostReceive, sealBundle, type WasmSettings } from "@krate/refpolicy";
import { compileExampleHook } from "../testing/compile-hook.ts";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";
import { HookPool } from "./hook-pool.ts";
import { ModuleStore } from "./module-store.ts";
import { wasmRunner } from "./wasm-runner.ts";

let gateway: GatewayFixture;
const pool = new HookPool({ size: 1 });
const compiled = new Map<string, Uint8Array>();
beforeAll(async () => {
  gateway = await GatewayFixture.start();
  for (const name of ["issue-in-message", "no-large-binaries"]) {
    const bytes = await compileExampleHook(name);
    compiled.set(`sha256:${createHash("sha256").update(bytes).digest("hex")}`, bytes);
  }
}, 120_000);
afterAll(async () => {
  await gateway.stop();
  await pool.close();
});

/** Lets one of the examples judge every push. */
function enforce(index: number, hook: WasmSettings["hook"] = "update"): void {
  const digest = [...compiled.keys()][index] ?? "";
  const wasm = { module: { objectRef: "configmap/hooks/x", digest }, hook, timeoutMs: 10_000 };
  const rule: BundleRule = {
    policy: "RefPolicy/hooks",
    rule: "example",
    type: "wasm",
    refs: ["refs/heads/**"],
    repositories: "*",
    mode: "enforce",
    priority: 0,
    params: { wasm },
  };
  const { bundle } = sealBundle({ version: 1, namespace: "acme", repositories: "all", rules: [rule] });
  const modules = new ModuleStore(
    { fetch: async (_namespace, module) => compiled.get(module.digest) ?? Buffer.alloc(0) },
    pool,
  );
  const runner = () => wasmRunner({ pool, modules, namespace: "acme" });
  gateway.cluster.engine = {
    evaluate: (push) => evaluatePush(bundle, push, { wasm: runner() }),
    afterwards: (push) => runPostReceive(bundle, push, runner()),
  };
}

let work: string;
let count = 0;
beforeEach(async () => {
  const name = `hooked-${count++}`;
  await gateway.createRepository(name);
  work = await gateway.workTree(`${name}-work`, name);
});

describe("issue-in-message", () => {
  test("refuses a commit without an issue, names it, and takes the reworded one", async () => {
    enforce(0);
    const refused = await gateway.git(["push", "origin", "main"], work);
    expect(refused.stderr).toMatch(
      /remote: +x RefPolicy\/hooks, rule example: commit [0-9a-f]{12} names no issue, such as #12 or WEB-12/,
    );
    for (const message of ["first (#1)", 'WEB-12: Ä "quoted" \\ first\n\nbody\twith everything 日本']) {
      await ok(gateway.git(["commit", "-q", "--amend", "-m", message], work));
      await ok(gateway.git(["push", "-q", "-f", "origin", "main"], work));
    }
    await ok(gateway.git(["push", "-q", "origin", "main:refs/tags/free"], work));
  });

  test("looks at every commit of a push and at deletions without harm", async () => {
    enforce(0, "pre-receive");
    await ok(gateway.git(["commit", "-q", "--amend", "-m", "#1"], work));
    for (let commit = 0; commit < 20; commit++) await gateway.commit(work, `f${commit}`, "x\n", `part of #${commit}`);
    const bad = await gateway.commit(work, "bad", "x\n", "forgot");
    await gateway.commit(work, "good", "x\n", "#3");
    const pushed = await gateway.git(["push", "origin", "main", "main~2:refs/heads/fine"], work);
    expect(pushed.stderr).toContain(`commit ${bad.slice(0, 12)} names no issue`);
    expect(pushed.stderr).not.toContain("[new branch]");
    await ok(gateway.git(["push", "-q", "origin", "main~2:refs/heads/fine"], work));
    await ok(gateway.git(["push", "-q", "origin", ":fine"], work));
  });

  test("as post-receive only says what it thinks", async () => {
    enforce(0, "post-receive");
    const pushed = await gateway.git(["push", "origin", "main"], work);
    expect(pushed).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/remote: commit [0-9a-f]{12} names no issue/),
    });
  });
});

describe("no-large-binaries", () => {
  test("refuses a large binary file, and only remarks on large text", async () => {
    enforce(1);
    await gateway.commit(work, "docs/large.txt", "text\n".repeat(300_000), "large text");
    const text = await gateway.git(["push", "origin", "main"], work);
    expect(text).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("remote: docs/large.txt is large, but text"),
    });
    await gateway.commit(work, "assets/image.bin", `\0${"b".repeat(1_500_000)}`, "binary");
    const binary = await gateway.git(["push", "origin", "main"], work);
    expect(binary.stderr).toContain("assets/image.bin is binary and has 1500001 bytes; keep it in Git LFS");
  });
});
