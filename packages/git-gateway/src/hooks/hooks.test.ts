/** Hooks by hand, hostile ones first: what a module may not be, and what one that runs may not do. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { PushFacts, RefUpdateFacts, WasmCall, WasmSettings } from "@krate/refpolicy";
import { assembleHook, type HookSource } from "@krate/refpolicy/testing";
import { HookPool } from "./hook-pool.ts";
import { ModuleStore } from "./module-store.ts";
import { type HookObservation, wasmRunner } from "./wasm-runner.ts";

let pool: HookPool;
beforeAll(() => {
  pool = new HookPool({ size: 2 });
});
afterAll(() => pool.close());

const zero = "0".repeat(40);
const update: RefUpdateFacts = {
  ref: "refs/heads/main",
  oldSha: zero,
  newSha: "1".repeat(40),
  action: "create",
  isFastForward: true,
  commits: async () => [],
  blobsLargerThan: async () => [],
};
const push: PushFacts = { repository: "web", actor: { user: "ada", groups: [], mayBypass: false }, updates: [update] };

async function run(bytes: Uint8Array, settings: Partial<WasmSettings> = {}, facts: Partial<WasmCall> = {}) {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const modules = new ModuleStore({ fetch: async () => bytes }, pool);
  const seen: HookObservation["outcome"][] = [];
  const runner = wasmRunner({ pool, modules, namespace: "acme", onRun: ({ outcome }) => seen.push(outcome) });
  const module = { objectRef: "configmap/hooks/x.wasm", digest };
  const call = { policy: "RefPolicy/p", rule: "r", hook: "update" as const, updates: [update], push };
  const outcome = await runner({ ...call, ...facts, settings: { module, timeoutMs: 5_000, ...settings } });
  return { ...outcome, seen };
}

const hook = (source: Partial<HookSource>) => run(assembleHook(source));

describe("a module that asks for more than the ABI is never compiled", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["not WebAssembly", Buffer.from("#!/bin/sh\n"), /not a WebAssembly module/],
    ["cut in the middle", assembleHook({}).subarray(0, 20), /ends in the middle/],
    [
      "an import of the system",
      assembleHook({ imports: [["wasi_snapshot_preview1", "fd_write", 0]] }),
      /only these functions/,
    ],
    ["an import with another signature", assembleHook({ imports: [["krate", "input", 0]] }), /imports krate.input as/],
    ["an imported memory", assembleHook({ importMemory: true }), /imports "env.memory"/],
    ["no memory", assembleHook({ memory: undefined }), /exactly one memory/],
    ["memory without a maximum", assembleHook({ memory: { flags: 0, min: 1 } }), /must declare a maximum/],
    ["shared memory", assembleHook({ memory: { flags: 3, min: 1, max: 1 } }), /must declare a maximum/],
    ["64-bit memory", assembleHook({ memory: { flags: 5, min: 1, max: 1 } }), /must declare a maximum/],
    ["a table without end", assembleHook({ table: { flags: 0, min: 1 } }), /every table/],
    ["no entry point", assembleHook({ entry: "main" }), /krate_hook_v1/],
    ["garbage-collected types", assembleHook({ rawTypes: [0x01, 0x5f, 0x00] }), /garbage-collected/],
    ["too large", Buffer.alloc(5_000_000), /at most 4194304/],
    ["code that does not validate", assembleHook({ body: [0x0b] }), /could not be run: .*WebAssembly\.Module/],
  ])("%s", async (_reason, bytes, text) => {
    const { refusal } = await run(bytes);
    expect(refusal).toMatch(/^the hook could not be run: /);
    expect(refusal).toMatch(text);
  });

  test("more memory than the rule allows", async () => {
    const bytes = assembleHook({ memory: { flags: 1, min: 1, max: 1024 } });
    expect((await run(bytes, { memoryMiB: 32 })).refusal).toMatch(/may use 64 MiB of memory; the rule allows 32 MiB/);
    expect((await run(bytes, { memoryMiB: 64 })).refusal).toBeUndefined();
  });

  test("another module than the one the policy names", async () => {
    const module = { objectRef: "configmap/hooks/x.wasm", digest: `sha256:${"0".repeat(64)}` };
    expect((await run(assembleHook({}), { module })).refusal).toMatch(/has digest sha256:.*no other is run/);
  });
});

describe("a hook that misbehaves is ended and refuses", () => {
  test("an endless loop", async () => {
    const loop = assembleHook({ body: [0x03, 0x40, 0x0c, 0x00, 0x0b, 0x41, 0x00] });
    const { refusal, seen } = await run(loop, { timeoutMs: 50 });
    expect({ refusal, seen }).toEqual({
      refusal: "the hook could not be run: the hook ran longer than 50 ms",
      seen: ["timeout"],
    });
    expect((await hook({})).refusal).toBeUndefined();
  });

  test("an endless loop before the entry point, in the start function", async () => {
    const loop = assembleHook({ body: [0x03, 0x40, 0x0c, 0x00, 0x0b, 0x41, 0x00], start: true });
    expect((await run(loop, { timeoutMs: 50 })).refusal).toMatch(/ran longer than 50 ms/);
  });

  test("a memory bomb gets its maximum and no more", async () => {
    // loop { if (memory.grow(1) == -1) break }; return memory.size
    const grow = [0x02, 0x40, 0x03, 0x40, 0x41, 0x01, 0x40, 0x00, 0x41, 0x7f, 0x46, 0x0d, 0x01, 0x0c, 0x00, 0x0b, 0x0b];
    const bomb = assembleHook({
      memory: { flags: 1, min: 1, max: 256 },
      body: [...grow, 0x3f, 0x00, 0x41, 0x80, 0x02, 0x47],
    });
    expect((await run(bomb)).refusal).toBeUndefined();
  });

  test.each<[string, number[], RegExp]>([
    ["a trap", [0x00, 0x41, 0x00], /unreachable/],
    ["a division by zero", [0x41, 0x01, 0x41, 0x00, 0x6d], /divide by zero/],
    ["endless recursion", [0x10, 0x08], /call stack/],
    ["reading outside its memory", [0x41, 0x7f, 0x28, 0x02, 0x00], /out of bounds/],
    ["a range outside its memory", [0x41, 0x7f, 0x41, 0x10, 0x10, 0x06, 0x41, 0x00], /outside its memory/],
    ["a range that overflows", [0x41, 0x08, 0x41, 0x7f, 0x10, 0x06, 0x41, 0x00], /outside its memory/],
  ])("%s", async (_reason, body, text) => {
    const { refusal, seen } = await hook({ body });
    expect(refusal).toMatch(text);
    expect(seen).toEqual(["trap"]);
  });

  test("or lets the push pass, and says so, when its policy wants that", async () => {
    const { refusal, notes } = await run(assembleHook({ body: [0x00, 0x41, 0x00] }), { failure: "Allow" });
    expect(refusal).toBeUndefined();
    expect(notes).toEqual([
      expect.stringMatching(/^RefPolicy\/p, rule r: the hook could not be run: unreachable.*lets the push pass/),
    ]);
  });

  test("refusing at length is cut", async () => {
    // refuse(0, 65536) a hundred times
    const once = [0x41, 0x00, 0x41, 0x80, 0x80, 0x04, 0x10, 0x06];
    const data = "x".repeat(60_000);
    const { refusal } = await hook({ data, body: [...Array.from({ length: 100 }, () => once).flat(), 0x41, 0x01] });
    expect(refusal?.length).toBeLessThan(5_000);
  });

  test("a terminal cannot be written to", async () => {
    const data = "\u001b[2Jgone\u0007\r\nsecond";
    const { refusal } = await hook({ data, body: [0x41, 0x00, 0x41, data.length, 0x10, 0x06, 0x41, 0x00] });
    expect(refusal).toBe("[2Jgone; second");
  });

  test("asking without end is stopped", async () => {
    // loop { commits(i, 0, 0); i = i + 1 }
    const body = [
      0x03, 0x40, 0x20, 0x00, 0x41, 0x00, 0x41, 0x00, 0x10, 0x01, 0x1a, 0x20, 0x00, 0x41, 0x01, 0x6a, 0x21, 0x00, 0x0c,
      0x00, 0x0b, 0x41, 0x00,
    ];
    const { refusal } = await run(assembleHook({ body, locals: 1 }), { timeoutMs: 10_000 });
    expect(refusal).toMatch(/asked more than 20000 times/);
  });

  test("nothing of one run is there in the next", async () => {
    // counter at 0: load, store +1, return what was there
    const bytes = assembleHook({
      body: [
        0x41, 0x00, 0x41, 0x00, 0x28, 0x02, 0x00, 0x41, 0x01, 0x6a, 0x36, 0x02, 0x00, 0x41, 0x00, 0x28, 0x02, 0x00,
        0x41, 0x01, 0x47,
      ],
    });
    expect([(await run(bytes)).refusal, (await run(bytes)).refusal]).toEqual([undefined, undefined]);
  });
});

test("what the facts throw ends the push, not only the hook", async () => {
  const broken = { ...update, commits: () => Promise.reject(new Error("the disk is gone")) };
  const asking = assembleHook({ body: [0x41, 0x00, 0x41, 0x00, 0x41, 0x00, 0x10, 0x01, 0x1a, 0x41, 0x00] });
  await expect(run(asking, {}, { updates: [broken] })).rejects.toThrow("the disk is gone");
  expect((await hook({})).refusal).toBeUndefined();
});

test("a hook of many updates gets the answers about all of them with the first", async () => {
  // for (i = 0; i < 100; i++) if (commits(i, 0, 0) != 2) return 1; return 0          ("[]" has two bytes)
  const body = [
    ...[0x03, 0x40],
    ...[0x20, 0x00, 0x41, 0x00, 0x41, 0x00, 0x10, 0x01, 0x41, 0x02, 0x47, 0x04, 0x40, 0x41, 0x01, 0x0f, 0x0b],
    ...[0x20, 0x00, 0x41, 0x01, 0x6a, 0x22, 0x00, 0x41, 0xe4, 0x00, 0x48, 0x0d, 0x00],
    ...[0x0b, 0x41, 0x00],
  ];
  const asked: number[] = [];
  const updates = Array.from({ length: 100 }, (_, index) => ({
    ...update,
    commits: async () => {
      asked.push(index);
      return [];
    },
  }));
  expect(await run(assembleHook({ body, locals: 1 }), {}, { updates })).toMatchObject({ seen: ["accepted"] });
  expect(asked).toEqual(Array.from({ length: 100 }, (_, index) => index));
});

test("one push's hooks have a time together", async () => {
  const loop = assembleHook({ body: [0x03, 0x40, 0x0c, 0x00, 0x0b, 0x41, 0x00] });
  const digest = `sha256:${createHash("sha256").update(loop).digest("hex")}`;
  const modules = new ModuleStore({ fetch: async () => loop }, pool);
  const runner = wasmRunner({ pool, modules, namespace: "acme", maxPushMs: 250 });
  const settings = { module: { objectRef: "configmap/hooks/x.wasm", digest }, timeoutMs: 100 };
  const outcomes: (string | undefined)[] = [];
  for (let ref = 0; ref < 4; ref++)
    outcomes.push(
      (await runner({ policy: "p", rule: "r", hook: "update", updates: [update], push, settings })).refusal,
    );
  expect(outcomes.at(0)).toMatch(/longer than 100 ms/);
  expect(outcomes.at(-1)).toMatch(/may run 250 ms together/);
});
