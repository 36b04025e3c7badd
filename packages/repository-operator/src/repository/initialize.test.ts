import { expect, test } from "@jest/globals";
import { directGateway, testRepository } from "../testing/bare-repository.ts";
import { makeFirstCommit, planFirstCommit } from "./initialize.ts";
import type { RepositoryObject } from "./status.ts";

const repository = (spec: object) => ({ metadata: { name: "shop" }, spec }) as RepositoryObject;

test.each([
  { reason: "nothing is asked for", spec: {}, plan: undefined },
  { reason: "no README", spec: { initialize: { readme: false } }, plan: undefined },
  {
    reason: "the name is the title",
    spec: { initialize: { readme: true } },
    plan: { ref: "refs/heads/main", message: "Initial commit\n", files: { "README.md": "# shop\n" } },
  },
  {
    reason: "what people call it, and what it is for",
    spec: { initialize: { readme: true }, displayName: "The Shop", description: "Sells.", defaultBranch: "trunk" },
    plan: { ref: "refs/heads/trunk", message: "Initial commit\n", files: { "README.md": "# The Shop\n\nSells.\n" } },
  },
])("the first commit: $reason", ({ spec, plan }) => {
  expect(planFirstCommit(repository(spec))).toEqual(plan);
});

test("it is pushed to a branch that is not there, and to no other", async () => {
  await using repo = await testRepository();
  const ports = {
    gateway: directGateway(repo.gitDir),
    gitDir: repo.gitDir,
    committer: { name: "Krate", email: "noreply@krate.a5c.ai" },
    at: "2026-01-01T00:00:00Z",
  };
  const commit = { ref: "refs/heads/new", message: "Initial commit\n", files: { "README.md": "# shop\n" } };
  const key = { namespace: "acme", name: "shop" };
  expect(await makeFirstCommit(key, commit, ports)).toEqual({ result: "landed" });
  expect(await repo.git("show", "--format=%an %s %ad", "--date=iso-strict", "-s", "new")).toBe(
    "Krate Initial commit 2026-01-01T00:00:00+00:00",
  );
  expect(await repo.git("show", "new:README.md")).toBe("# shop");
  const before = await repo.at("main");
  expect(await makeFirstCommit(key, { ...commit, ref: "refs/heads/main" }, ports)).toEqual({ result: "moved" });
  expect(await repo.at("main")).toBe(before);
});
