import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { NativeGitBackend } from "@krate/git";
import { createLogger } from "@krate/telemetry";
import { fileEventLog } from "../testing/crashing-gateway.ts";
import { git, ok } from "../testing/gateway-fixture.ts";
import { Recovery } from "./recovery.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "krate-crash-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const shop = { namespace: "acme", name: "shop" };

/** A repository with one pushed commit on main, a second commit on top that is not pushed, and a gateway that dies at `step`. */
async function scenario(name: string, step: string) {
  const root = join(folder, name, "repositories");
  const work = join(folder, name, "work");
  const backend = new NativeGitBackend({ root });
  await backend.ensure(shop);
  const gitDir = backend.gitDir(shop);
  await ok(git(["init", "-q", "-b", "main", work], folder));
  await ok(git(["commit", "-q", "--allow-empty", "-m", "one"], work));
  await ok(git(["push", "-q", gitDir, "main"], work));
  await ok(git(["commit", "-q", "--allow-empty", "-m", "two"], work));
  await ok(git(["tag", "v1"], work));
  const events = fileEventLog(join(folder, name, "events"));
  const gateway = spawn(
    process.execPath,
    [
      "--conditions=development",
      join(import.meta.dirname, "../testing/crashing-gateway.ts"),
      root,
      join(folder, name, "events"),
      step,
    ],
    { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, NODE_OPTIONS: "" } },
  );
  const [port] = (await once(gateway.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return {
    gateway,
    gitDir,
    events,
    push: (...refs: string[]) =>
      git(
        [
          "push",
          ...refs.filter((ref) => ref.startsWith("-")),
          `http://a:alice-token@127.0.0.1:${String(port).trim()}/acme/shop.git`,
          ...refs.filter((ref) => !ref.startsWith("-")),
        ],
        work,
      ),
    refs: async () =>
      (await ok(git(["--git-dir", gitDir, "for-each-ref", "--format=%(refname)=%(contents:subject)"], folder))).stdout
        .trim()
        .split("\n"),
    recover: () =>
      new Recovery({ backend, events, log: createLogger({ component: "test", level: "fatal" }) }).start(
        new AbortController().signal,
      ),
    leftovers: async () => {
      const folders = await Promise.all(
        ["incoming", "journal"].map((part) => readdir(join(gitDir, "krate", part)).catch(() => [])),
      );
      return folders.flat();
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

describe("a gateway killed in the middle of a push", () => {
  test.each([
    { step: "store", finished: false },
    { step: "evaluate", finished: false },
    { step: "journal", finished: true },
    { step: "migrate", finished: true },
    { step: "prepare", finished: true },
    { step: "events", finished: true },
    { step: "commit", finished: true },
    { step: "forget", finished: true },
  ])("after $step: the push has happened entirely ($finished) or not at all", async ({ step, finished }) => {
    const { gateway, push, refs, events, recover, leftovers, gitDir } = await scenario(step, step);
    const pushed = await push("--atomic", "main", "v1");
    expect(pushed.code).not.toBe(0);
    await ended(gateway);
    expect(gateway.signalCode).toBe("SIGKILL");
    await recover();
    expect(await refs()).toEqual(finished ? ["refs/heads/main=two", "refs/tags/v1=two"] : ["refs/heads/main=one"]);
    expect(events.read().map(({ spec }) => `${spec.decision} ${spec.ref}`)).toEqual(
      finished ? ["Accepted refs/heads/main", "Accepted refs/tags/v1"] : [],
    );
    expect(await leftovers()).toEqual([]);
    await ok(git(["--git-dir", gitDir, "fsck", "--strict"], folder));
    await recover();
    expect(events.read()).toHaveLength(finished ? 2 : 0);
  });

  test("locks of refs that died with it do not stop the replay", async () => {
    const { gateway, push, refs, recover, gitDir } = await scenario("locked", "prepare");
    await push("main");
    await ended(gateway);
    await writeFile(join(gitDir, "refs/heads/main.lock"), "");
    await recover();
    expect(await refs()).toEqual(["refs/heads/main=two"]);
  });

  test("a push that was acknowledged is there and recorded although the gateway dies right after", async () => {
    const { gateway, push, refs, events, recover } = await scenario("acknowledged", "never");
    await ok(push("main"));
    gateway.kill("SIGKILL");
    await ended(gateway);
    await recover();
    expect(await refs()).toEqual(["refs/heads/main=two"]);
    expect(events.read().map(({ spec }) => spec.ref)).toEqual(["refs/heads/main"]);
  });
});
