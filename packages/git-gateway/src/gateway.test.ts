import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { GatewayFixture, ok } from "./testing/gateway-fixture.ts";
import { refused } from "./testing/memory-ports.ts";

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await GatewayFixture.start();
});
afterAll(() => gateway.stop());

/** Events of one repository as `decision action ref`. */
function eventsOf(repository: string): string[] {
  return gateway.cluster.events
    .filter(({ spec }) => spec.repository === repository)
    .map(({ spec }) => `${spec.decision} ${spec.action} ${spec.ref}`);
}

describe("clone, fetch and push by the real git", () => {
  test.each(["0", "2"])("a push can be cloned and fetched again over protocol v%s", async (version) => {
    const name = `round-v${version}`;
    await gateway.createRepository(name);
    const work = await gateway.workTree(`${name}-work`, name);
    const pushed = await gateway.git(["push", "origin", "main"], work);
    expect(pushed).toMatchObject({ code: 0, stderr: expect.stringContaining("main -> main") });
    await ok(gateway.git(["-c", `protocol.version=${version}`, "clone", "-q", gateway.url(name), `${name}-clone`]));
    const next = await gateway.commit(work, "src/a.txt", "more\n", "second");
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    const clone = join(gateway.folder, `${name}-clone`);
    await ok(gateway.git(["-c", `protocol.version=${version}`, "pull", "-q", "--ff-only"], clone));
    expect((await ok(gateway.git(["rev-parse", "HEAD"], clone))).stdout.trim()).toBe(next);
    expect(eventsOf(name)).toEqual(["Accepted create refs/heads/main", "Accepted update refs/heads/main"]);
  });

  test("an empty repository can be cloned", async () => {
    await gateway.createRepository("empty");
    const cloned = await gateway.git(["clone", gateway.url("empty"), "empty-clone"]);
    expect(cloned).toMatchObject({ code: 0, stderr: expect.stringContaining("empty repository") });
  });

  test("tags, new branches, force pushes and deletions move refs and say so in events", async () => {
    const gitDir = await gateway.createRepository("moves");
    const work = await gateway.workTree("moves-work", "moves");
    await ok(gateway.git(["tag", "-a", "v1", "-m", "one"], work));
    await ok(gateway.git(["push", "-q", "origin", "main", "v1", "main:refs/heads/feature"], work));
    await ok(gateway.git(["commit", "-q", "--amend", "-m", "rewritten"], work));
    const plain = await gateway.git(["push", "origin", "main:feature"], work);
    expect(plain.stderr).toContain("non-fast-forward");
    await ok(gateway.git(["push", "-q", "-f", "origin", "main:feature"], work));
    await ok(gateway.git(["push", "-q", "origin", ":feature", ":v1"], work));
    expect(eventsOf("moves")).toEqual([
      "Accepted create refs/heads/main",
      "Accepted create refs/tags/v1",
      "Accepted create refs/heads/feature",
      "Accepted force-update refs/heads/feature",
      "Accepted delete refs/heads/feature",
      "Accepted delete refs/tags/v1",
    ]);
    expect((await ok(gateway.git(["--git-dir", gitDir, "for-each-ref", "--format=%(refname)"]))).stdout).toBe(
      "refs/heads/main\n",
    );
  });

  test("a push above the unpack limit becomes one pack, and its commits are counted", async () => {
    const gitDir = await gateway.createRepository("large");
    const work = await gateway.workTree("large-work", "large");
    for (let index = 0; index < 60; index++)
      await gateway.commit(work, `file-${index}`, `${index}\n`, `commit ${index}`);
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    expect((await readdir(join(gitDir, "objects/pack"))).filter((name) => name.endsWith(".idx"))).toHaveLength(1);
    expect(gateway.cluster.events.find(({ spec }) => spec.repository === "large")?.spec.commits).toBe(61);
    await ok(gateway.git(["--git-dir", gitDir, "fsck", "--strict"]));
  });

  test("shallow and partial clones get what they ask for and can push", async () => {
    await gateway.createRepository("narrow");
    const work = await gateway.workTree("narrow-work", "narrow");
    for (let index = 0; index < 5; index++) await gateway.commit(work, "data", `${index}\n`, `commit ${index}`);
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    await ok(gateway.git(["clone", "-q", "--depth=1", gateway.url("narrow"), "narrow-shallow"]));
    const shallow = join(gateway.folder, "narrow-shallow");
    expect((await ok(gateway.git(["rev-list", "--count", "HEAD"], shallow))).stdout.trim()).toBe("1");
    await gateway.commit(shallow, "data", "from a shallow clone\n", "shallow");
    await ok(gateway.git(["push", "-q", "origin", "main"], shallow));
    await ok(gateway.git(["clone", "-q", "--filter=blob:none", gateway.url("narrow"), "narrow-partial"]));
    const partial = join(gateway.folder, "narrow-partial");
    expect((await ok(gateway.git(["rev-list", "--count", "HEAD"], partial))).stdout.trim()).toBe("7");
    await gateway.commit(partial, "other", "from a partial clone\n", "partial");
    await ok(gateway.git(["push", "-q", "origin", "main"], partial));
  });

  test("a thousand refs are pushed at once", async () => {
    const gitDir = await gateway.createRepository("many");
    const work = await gateway.workTree("many-work", "many");
    const head = (await ok(gateway.git(["rev-parse", "HEAD"], work))).stdout.trim();
    const refs = Array.from({ length: 1000 }, (_, index) => `${head}:refs/tags/t${index}`);
    await ok(gateway.git(["push", "-q", "origin", ...refs], work));
    expect((await ok(gateway.git(["--git-dir", gitDir, "for-each-ref"]))).stdout.trim().split("\n")).toHaveLength(1000);
    expect(eventsOf("many")).toHaveLength(1000);
  });
});

describe("policy", () => {
  test("a refused ref is explained, recorded and not moved; the others of the push move", async () => {
    const gitDir = await gateway.createRepository("guarded");
    gateway.cluster.judge = (push, index) =>
      push.updates[index]?.ref === "refs/heads/main"
        ? refused(push, index, "main takes pull requests only")
        : { ref: push.updates[index]?.ref ?? "", allowed: true, decision: "Accepted", results: [] };
    const work = await gateway.workTree("guarded-work", "guarded");
    const pushed = await gateway.git(["push", "origin", "main", "main:topic"], work);
    expect(pushed.code).not.toBe(0);
    expect(pushed.stderr).toContain("remote: refs/heads/main: refused");
    expect(pushed.stderr).toContain("RefPolicy/test, rule no: main takes pull requests only");
    expect(pushed.stderr).toContain("What to do: ask somebody.");
    expect(pushed.stderr).toContain(
      "[remote rejected] main -> main (RefPolicy/test no: main takes pull requests only)",
    );
    expect(eventsOf("guarded")).toEqual(["Rejected create refs/heads/main", "Accepted create refs/heads/topic"]);
    expect((await ok(gateway.git(["--git-dir", gitDir, "for-each-ref", "--format=%(refname)"]))).stdout).toBe(
      "refs/heads/topic\n",
    );

    const atomic = await gateway.git(["push", "--atomic", "origin", "main", "main:other"], work);
    expect(atomic.stderr).toContain('atomic push failed because "refs/heads/main" was refused');
    expect((await ok(gateway.git(["--git-dir", gitDir, "for-each-ref", "--format=%(refname)"]))).stdout).toBe(
      "refs/heads/topic\n",
    );
  });

  test("a dry run explains and changes nothing", async () => {
    gateway.cluster.judge = (push, index) => ({
      ref: push.updates[index]?.ref ?? "",
      allowed: true,
      decision: "Accepted",
      results: [],
    });
    const gitDir = await gateway.createRepository("dry");
    const work = await gateway.workTree("dry-work", "dry");
    const pushed = await gateway.git(["push", "-o", "dry-run", "origin", "main"], work);
    expect(pushed.stderr).toContain("dry run: would be accepted");
    expect(eventsOf("dry")).toEqual([]);
    expect((await ok(gateway.git(["--git-dir", gitDir, "count-objects"]))).stdout).toContain("0 objects");
  });
});

test("who asks for more at once than a repository may have under way is told so", async () => {
  const limited = await GatewayFixture.start({}, { pushesPerRepository: 1 });
  try {
    await limited.createRepository("busy");
    const work = await limited.workTree("busy-work", "busy");
    const held = Promise.withResolvers<void>();
    const judging = new Promise<void>((resolve) => {
      limited.cluster.judge = async (push, index) => {
        resolve();
        await held.promise;
        return { ref: push.updates[index]?.ref ?? "", allowed: true, decision: "Accepted", results: [] };
      };
    });
    const first = limited.git(["push", "-q", "origin", "main"], work);
    await judging;
    const second = await limited.git(["push", "origin", "main:other"], work);
    expect(second.stderr).toContain('remote: repository "acme/busy" has 1 pushes under way, which is its limit');
    expect(second.stderr).toContain("429");
    held.resolve();
    await ok(first);
    await ok(limited.git(["push", "-q", "origin", "main:other"], work));
  } finally {
    await limited.stop();
  }
});

describe("access", () => {
  test("without a token a private repository asks for one, a public one can be read but not written", async () => {
    await gateway.createRepository("secret");
    await gateway.createRepository("open", { visibility: "public" });
    const info = "info/refs?service=git-upload-pack";
    expect((await gateway.get(`/acme/secret.git/${info}`, null)).status).toBe(401);
    expect((await gateway.get(`/acme/secret.git/${info}`, null)).headers.get("www-authenticate")).toContain("Basic");
    expect((await gateway.get(`/acme/missing.git/${info}`, null)).status).toBe(401);
    expect((await gateway.get(`/acme/open.git/${info}`, null)).status).toBe(200);
    expect((await gateway.get("/acme/open.git/info/refs?service=git-receive-pack", null)).status).toBe(401);
    expect((await gateway.get(`/acme/secret.git/${info}`, "wrong")).status).toBe(401);
  });

  test("a user without the right is told which one is missing", async () => {
    await gateway.createRepository("closed");
    gateway.cluster.addUser("bob-token", "bob");
    const cloned = await gateway.git(["clone", gateway.url("closed", "bob-token"), "closed-clone"]);
    expect(cloned.stderr).toContain(
      '"bob" cannot get repositories/content.krate.a5c.ai "closed" in namespace "acme": no RBAC rule grants it',
    );
    gateway.cluster.grant("bob", "get", "content", "acme", "closed");
    await ok(gateway.git(["clone", "-q", gateway.url("closed", "bob-token"), "closed-clone"]));
    const work = await gateway.workTree("closed-work", "closed");
    const pushed = await gateway.git(["push", gateway.url("closed", "bob-token"), "main"], work);
    expect(pushed.stderr).toContain('"bob" cannot update repositories/content.krate.a5c.ai "closed"');
  });

  test("an archived repository can be read and refuses writes", async () => {
    await gateway.createRepository("old", { archived: true });
    const work = await gateway.workTree("old-work", "old");
    expect((await gateway.git(["push", "origin", "main"], work)).stderr).toContain("is archived and read-only");
    await ok(gateway.git(["clone", "-q", gateway.url("old"), "old-clone"]));
  });

  test("a repository that does not exist is named", async () => {
    gateway.cluster.grant("alice", "get", "content", "acme", "nowhere");
    expect((await gateway.git(["clone", gateway.url("nowhere"), "nowhere-clone"])).stderr).toContain(
      'repository "acme/nowhere" does not exist',
    );
  });

  test("a job token reads its own repository only", async () => {
    await gateway.createRepository("built");
    gateway.cluster.tokens.set("job-token", {
      user: "system:serviceaccount:acme:job",
      groups: [],
      jobScope: { organization: "acme", repository: "built" },
    });
    const info = "info/refs?service=git-upload-pack";
    expect((await gateway.get(`/acme/built.git/${info}`, "job-token")).status).toBe(200);
    expect((await gateway.get(`/acme/closed.git/${info}`, "job-token")).status).toBe(403);
    expect((await gateway.get("/acme/built.git/info/refs?service=git-receive-pack", "job-token")).status).toBe(403);
  });
});
