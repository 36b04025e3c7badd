import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "@jest/globals";
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
});
