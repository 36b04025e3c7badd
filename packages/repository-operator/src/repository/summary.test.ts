import { expect, test } from "@jest/globals";
import { testRepository } from "../testing/bare-repository.ts";
import { parseCountObjects, summarize } from "./summary.ts";

test("branches, head and size", async () => {
  await using repo = await testRepository();
  await repo.tree.git("push", "-q", "origin", "main:a/b", "main:refs/tags/v1");
  const summary = await summarize(repo.gitDir, "main");
  expect(summary).toMatchObject({ headSha: await repo.at("main"), branchCount: 2 });
  expect(summary.sizeBytes).toBeGreaterThan(0);
  expect(await summarize(repo.gitDir, "none")).not.toHaveProperty("headSha");
});

test("loose objects and packs count, garbage does not", () => {
  expect(parseCountObjects("count: 3\nsize: 12\nin-pack: 9\nsize-pack: 100\nsize-garbage: 7")).toBe(112 * 1024);
});
