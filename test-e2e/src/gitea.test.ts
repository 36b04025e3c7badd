/** A forge whose repositories are in Gitea, in two processes on one volume: the main job, and one of them away (GIT-01…GIT-10, GIT-17, GIT-21). */
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually, type Gitea, giteaEnvironment, skipWithout, startGitea, temporaryFolder } from "@krate/testing";
import { checkout, krateCommand, startTestForge, type TestForge } from "./forge.ts";

const startTimeoutMilliseconds = 300_000;

skipWithout("gitea")("repositories in Gitea", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let gitea: Gitea;
  let forge: TestForge;

  beforeAll(async () => {
    folder = await temporaryFolder("gitea");
    gitea = await startGitea({ dataFolder: folder.path, processes: 2, fsync: false });
    forge = await startTestForge({ cluster: "standalone", env: giteaEnvironment(gitea) });
  }, startTimeoutMilliseconds);

  afterAll(async () => {
    await forge?.stop();
    await gitea?.stop();
    await folder?.remove();
  }, 60_000);

  interface Status {
    phase: string;
    backend: { kind: string; name: string; id: string; url: string; health: string };
    conditions: { type: string; status: string; reason: string }[];
  }

  function kubectl(...args: string[]): string {
    const { kubeconfig, namespace } = forge.state();
    const scope = ["--kubeconfig", kubeconfig, "--context", "admin", "-n", namespace];
    const { status, stdout, stderr } = spawnSync("kubectl", [...scope, ...args], { encoding: "utf8" });
    if (status !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${status}:\n${stderr}`);
    return stdout;
  }

  const repositories = () =>
    (JSON.parse(kubectl("get", "repositories", "-A", "-o", "json")) as { items: { status: Status }[] }).items;

  test("an empty repository becomes a merged, policy-checked, built and delivered pull request", () => {
    const { kubeconfig, gitUrl } = forge.state();
    const [command, ...args] = krateCommand() as [string, ...string[]];
    const { status, stdout, stderr } = spawnSync(
      command,
      [...args, "demo", "--kubeconfig", kubeconfig, "--git-url", gitUrl],
      { cwd: checkout, encoding: "utf8", timeout: 200_000 },
    );
    expect({ status, said: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, said: "" });
    expect(stdout).toContain("All 9 steps did what they say");
    const [repository] = repositories();
    expect(repository?.status).toMatchObject({ phase: "Ready", backend: { kind: "gitea", health: "Healthy" } });
    expect(gitea.processes.map(({ url }) => url)).toContain(new URL(repository?.status.backend.url ?? "").origin);
  }, 240_000);

  test("with the process away that a repository is placed on, it is Degraded and Ready, once; with it back, Healthy, once", async () => {
    const placedOn = new URL(repositories()[0]?.status.backend.url ?? "").origin;
    const process = gitea.processes.find(({ url }) => url === placedOn);
    const seen: string[] = [];
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        const health = repositories()[0]?.status.backend.health ?? "";
        if (seen.at(-1) !== health) seen.push(health);
        await sleep(200);
      }
    })();
    const until = (health: string) => eventually(async () => seen.at(-1) === health, { timeoutSeconds: 60 });
    await until("Healthy");
    await process?.kill();
    await until("Degraded");
    const [away] = repositories();
    expect(away?.status).toMatchObject({ phase: "Degraded", backend: { url: expect.stringContaining(placedOn) } });
    const conditions = Object.fromEntries(away?.status.conditions.map(({ type, ...rest }) => [type, rest]) ?? []);
    expect(conditions).toMatchObject({
      BackendReady: { status: "False", reason: "GiteaUnavailable" },
      Ready: { status: "True" },
    });
    await process?.start();
    await until("Healthy");
    isOver = true;
    await watching;
    expect(seen).toEqual(["Healthy", "Degraded", "Healthy"]);
  });
});
