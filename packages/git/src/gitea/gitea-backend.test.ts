import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Gitea, skipWithout, startGitea } from "@krate/testing";
import { gitBackendConformance } from "../testing/conformance.ts";
import { GiteaGitBackend } from "./gitea-backend.ts";
import { GiteaServers } from "./gitea-servers.ts";

skipWithout("gitea")("the Gitea backend", () => {
  let folder: string;
  let gitea: Gitea;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "krate-gitea-"));
    gitea = await startGitea({ dataFolder: folder, fsync: false });
  }, 180_000);

  afterAll(async () => {
    await gitea?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  function backend(): GiteaGitBackend {
    const { processes, repositoryRoot, tokenFile, hookSecretFile } = gitea;
    const servers = new GiteaServers({ servers: processes, tokenFile });
    return new GiteaGitBackend({ servers, root: repositoryRoot, hookSecretFile });
  }

  gitBackendConformance(async () => {
    const made = backend();
    return {
      backend: made,
      async dispose() {
        for (const identity of await made.list()) await made.remove(identity, "Delete");
      },
    };
  });

  test("what somebody changed in Gitea is brought back: hook, visibility, units", async () => {
    const made = backend();
    const shop = { namespace: "acme", name: "shop", uid: "uid-1" };
    await made.ensure(shop);
    const path = "/repos/k-acme/shop";
    await made.servers.api("", "DELETE", `${path}/hooks/git/pre-receive`);
    await made.servers.api("", "PATCH", path, { data: { has_releases: true } });
    expect((await made.ensure(shop)).outcome).toBe("Unchanged");
    const { data } = await made.servers.api("", "GET", `${path}/hooks/git/pre-receive`);
    expect(data).toMatchObject({ is_active: true, content: expect.stringContaining("Krate's Git gateway only") });
    expect((await made.servers.api("", "GET", path)).data).toMatchObject({
      private: true,
      has_issues: false,
      has_pull_requests: false,
      has_wiki: false,
      has_releases: false,
    });
    await made.remove(shop, "Delete");
  });

  test("with Gitea away the backend and its repositories are unreachable, and healthy when it is back", async () => {
    const made = backend();
    const shop = { namespace: "acme", name: "shop", uid: "uid-1" };
    await made.ensure(shop);
    await gitea.processes[0]?.kill();
    const away = { state: "Unreachable", reason: "GiteaUnavailable", message: "no Gitea process answers: gitea-0" };
    expect([await made.health(), await made.health(shop)]).toEqual([away, away]);
    await gitea.processes[0]?.start();
    expect([await made.health(), await made.health(shop)]).toEqual([{ state: "Healthy" }, { state: "Healthy" }]);
    await made.remove(shop, "Delete");
  }, 60_000);
});
