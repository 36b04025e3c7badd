import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { GiteaGitBackend, GiteaServers, giteaName } from "@krate/git";
import { eventually, type Gitea, skipWithout, startGitea } from "@krate/testing";
import { GatewayFixture, git, ok } from "./testing/gateway-fixture.ts";

skipWithout("gitea")("the gateway in front of two Gitea processes on one volume", () => {
  let folder: string;
  let gitea: Gitea;
  let gateway: GatewayFixture;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "krate-gitea-"));
    gitea = await startGitea({ dataFolder: folder, processes: 2, fsync: false });
  }, 180_000);

  afterAll(async () => {
    await gitea?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  beforeEach(async () => {
    const { processes, repositoryRoot, tokenFile, hookSecretFile } = gitea;
    const servers = new GiteaServers({ servers: processes, tokenFile });
    const backend = new GiteaGitBackend({ servers, root: repositoryRoot, hookSecretFile });
    gateway = await GatewayFixture.start({}, {}, {}, backend);
  });

  afterEach(async () => {
    for (const identity of await gateway.backend.list()) await gateway.backend.remove(identity, "Delete");
    await gateway.stop();
  }, 60_000);

  /** Straight to Gitea, as its administrator. */
  async function aroundTheGateway(name: string): Promise<string> {
    const token = (await readFile(gitea.tokenFile, "utf8")).trim();
    const { owner } = giteaName({ namespace: "acme", name });
    return `${gitea.processes[0]?.url.replace("//", `//krate:${token}@`)}/${owner}/${name}.git`;
  }

  const branches = async (name: string) =>
    (await ok(gateway.git(["ls-remote", gateway.url(name)]))).stdout.split("\n").filter((line) => line !== "");

  test("what is pushed is judged, recorded, in Gitea, and can be cloned", async () => {
    await gateway.createRepository("shop");
    const work = await gateway.workTree("shop", "shop");
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    const second = await gateway.commit(work, "a.txt", "a\n", "second");
    await ok(gateway.git(["push", "-q", "origin", "main", "main:refs/heads/topic/x"], work));
    expect(gateway.cluster.events.map(({ spec }) => [spec.ref, spec.action, spec.decision, spec.backend])).toEqual([
      ["refs/heads/main", "create", "Accepted", "gitea"],
      ["refs/heads/main", "update", "Accepted", "gitea"],
      ["refs/heads/topic/x", "create", "Accepted", "gitea"],
    ]);
    await ok(gateway.git(["clone", "-q", gateway.url("shop"), "copy"]));
    expect(await readFile(join(gateway.folder, "copy", "a.txt"), "utf8")).toBe("a\n");
    const seen = await ok(git(["ls-remote", await aroundTheGateway("shop"), "refs/heads/*"], gateway.folder));
    expect(seen.stdout.trim().split("\n")).toEqual([`${second}\trefs/heads/main`, `${second}\trefs/heads/topic/x`]);
    await ok(gateway.git(["push", "-q", "origin", ":refs/heads/topic/x"], work));
    expect(await branches("shop")).toEqual([`${second}\tHEAD`, `${second}\trefs/heads/main`]);
    expect(gateway.failures).toEqual([]);
  }, 60_000);

  test("heads of pull requests, which Gitea lets nobody push, move too, also together with a branch", async () => {
    await gateway.createRepository("shop");
    const work = await gateway.workTree("shop", "shop");
    gateway.cluster.addUser("operator-token", "system:serviceaccount:krate-system:repository-operator");
    for (const verb of ["get", "update"] as const)
      gateway.cluster.grant("system:serviceaccount:krate-system:repository-operator", verb, "content", "acme", "shop");
    const refs = ["main", "main:refs/pull/1/head", "main:refs/queue/1"];
    await ok(gateway.git(["push", "-q", "--atomic", gateway.url("shop", "operator-token"), ...refs], work));
    const gitDir = gateway.backend.gitDir({ namespace: "acme", name: "shop" });
    const { stdout } = await ok(git(["--git-dir", gitDir, "for-each-ref", "--format=%(refname)"], gateway.folder));
    expect(stdout.trim().split("\n")).toEqual(["refs/heads/main", "refs/pull/1/head", "refs/queue/1"]);
  }, 60_000);

  test("a push around the gateway is refused, even the administrator's and one with the proof of another push", async () => {
    await gateway.createRepository("shop");
    const work = await gateway.workTree("shop", "shop");
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    const before = await branches("shop");
    await gateway.commit(work, "a.txt", "a\n", "second");
    const plain = await gateway.git(["push", await aroundTheGateway("shop"), "main"], work);
    expect(plain).toMatchObject({ code: 1, stderr: expect.stringContaining("through Krate's Git gateway only") });
    const option = `krate.proof=${"0".repeat(64)}`;
    const forged = await gateway.git(["push", "-o", option, await aroundTheGateway("shop"), "main"], work);
    expect(forged).toMatchObject({ code: 1, stderr: expect.stringContaining("its proof is for another push") });
    expect(await branches("shop")).toEqual(before);
  }, 60_000);

  test("with every process away a push changes nothing and says why; when they are back it passes", async () => {
    await gateway.createRepository("shop");
    const work = await gateway.workTree("shop", "shop");
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    await gateway.commit(work, "a.txt", "a\n", "second");
    await Promise.all(gitea.processes.map((process) => process.kill()));
    const refused = await gateway.git(["push", "origin", "main"], work);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("the Git backend is away") });
    expect(gateway.cluster.events.at(-1)?.spec).toMatchObject({
      decision: "Rejected",
      rules: [{ policy: "git", rule: "backend-available", decision: "Denied" }],
    });
    await ok(gateway.git(["clone", "-q", gateway.url("shop"), "copy"]));
    await Promise.all(gitea.processes.map((process) => process.start()));
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
  }, 120_000);

  test("a process that is killed during pushes and clones loses nothing that was acknowledged", async () => {
    const names = ["one", "two", "three", "four"];
    const works = new Map<string, string>();
    for (const name of names) {
      await gateway.createRepository(name);
      works.set(name, await gateway.workTree(name, name));
    }
    const acknowledged = new Map<string, string>();
    let isOver = false;
    const push = async (name: string) => {
      const work = works.get(name) as string;
      for (let count = 0; !isOver || count < 3; count++) {
        const commit = await gateway.commit(work, `${count}.txt`, `${count}\n`, `commit ${count}`);
        const branch = `${commit}:refs/heads/b${count}`;
        if ((await gateway.git(["push", "-q", "origin", branch], work)).code === 0)
          acknowledged.set(`${name} refs/heads/b${count}`, commit);
      }
    };
    const cloneAll = async () => {
      for (let count = 0; !isOver; count++)
        for (const name of names) await ok(gateway.git(["clone", "-q", gateway.url(name), `clone-${name}-${count}`]));
    };
    const work = Promise.all([...names.map(push), cloneAll()]);
    const [first] = gitea.processes;
    await eventually(async () => acknowledged.size >= 4, { timeoutSeconds: 60 });
    await first?.kill();
    const before = acknowledged.size;
    await eventually(async () => acknowledged.size >= before + 4, { timeoutSeconds: 60 });
    await first?.start();
    isOver = true;
    await work;
    for (const name of names) {
      const found = new Map((await branches(name)).map((line) => [line.slice(41), line.slice(0, 40)]));
      for (const [key, commit] of acknowledged) {
        const [repository, ref = ""] = key.split(" ");
        if (repository === name) expect([key, found.get(ref)]).toEqual([key, commit]);
      }
    }
    expect(gateway.failures).toEqual([]);
  }, 300_000);
});
