import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";

let gateway: GatewayFixture;
const ids: Record<string, string> = {};
beforeAll(async () => {
  gateway = await GatewayFixture.start();
  await gateway.createRepository("series");
  const work = await gateway.workTree("series-work", "series");
  const run = (...args: string[]) => ok(gateway.git(args, work));
  await run("push", "-q", "origin", "main");
  await run("checkout", "-q", "-b", "topic");
  await gateway.commit(work, "a.txt", "a\n".repeat(10), "one");
  ids["old"] = await gateway.commit(work, "b.txt", "b\n".repeat(10), "two");
  await run("push", "-q", "origin", "topic:refs/heads/old");
  await run("checkout", "-q", "main");
  ids["base"] = await gateway.commit(work, "base.txt", "moved\n", "base moves");
  await run("checkout", "-q", "topic");
  await run("rebase", "-q", "main");
  await run("commit", "-q", "--amend", "-m", "two, amended");
  await run("push", "-q", "origin", "main", "topic:refs/heads/new");
});
afterAll(() => gateway.stop());

async function get(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await gateway.get(`/acme/series/-/${path}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("two versions of a branch, each from where it left the base", async () => {
  const { status, body } = await get("rangediff/old...new?base=main");
  expect(status).toBe(200);
  expect(body["old"]).toMatchObject({ sha: ids["old"] });
  expect(body["new"]).toMatchObject({ base: ids["base"] });
  expect(body["commits"]).toMatchObject([
    { state: "same", subject: "one" },
    { state: "changed", subject: "two", diff: expect.stringContaining("+    two, amended") },
  ]);
  // Without a base what the base got stands among the commits of the new one.
  expect((await get("rangediff/old...new")).body["commits"]).toHaveLength(3);
});

test("what does not exist, or is no range, is said", async () => {
  expect((await get("rangediff/old...nowhere")).status).toBe(404);
  expect((await get("rangediff/old")).status).toBe(400);
  expect((await get("rangediff/old...new?base=-x")).status).toBe(404);
});
