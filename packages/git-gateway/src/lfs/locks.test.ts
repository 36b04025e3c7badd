/** The locks of the Git LFS API. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type LfsAnswer, LfsApiFixture } from "../testing/lfs-api-fixture.ts";

let lfs: LfsApiFixture;
beforeAll(async () => {
  lfs = await LfsApiFixture.start();
});
afterAll(() => lfs.gateway.stop());
beforeEach(() => lfs.nextRepository());

describe("locks", () => {
  const lock = async (path: string, token = "alice-token") => lfs.call("locks", { token, body: { path } });
  const lockOf = (answer: LfsAnswer) => (answer.body as { lock: { id: string; path: string; owner: object } }).lock;

  beforeEach(() => lfs.gateway.cluster.grant("bob", "update", "content", "acme", lfs.name));

  test("one at a time, whoever comes second learns who was first", async () => {
    const tokens = Array.from({ length: 12 }, (_, index) => (index % 2 ? "alice-token" : "bob-token"));
    const answers = [];
    // The repository may have four requests under way.
    for (let at = 0; at < tokens.length; at += 4)
      answers.push(...(await Promise.all(tokens.slice(at, at + 4).map((token) => lock("art/hero.psd", token)))));
    const created = answers.filter(({ status }) => status === 201);
    expect(created).toHaveLength(1);
    const winner = lockOf(created[0] as LfsAnswer);
    const others = answers.filter(({ status }) => status !== 201);
    expect(others.map(({ status, body }) => [status, (body as { lock: object }).lock])).toEqual(
      others.map(() => [409, winner]),
    );
    expect(others.map(({ body }) => (body as { message: string }).message)).toEqual(
      others.map(() =>
        expect.stringMatching(/^"art\/hero\.psd" is locked by "(alice|bob)" since .*Z: ask them to unlock it$/),
      ),
    );
    expect(winner).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{40}-[0-9a-f]{16}$/),
      path: "art/hero.psd",
      locked_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      owner: winner.owner,
    });
  });

  test("are listed by page, by path and by id, and told apart by owner", async () => {
    const mine = [lockOf(await lock("a")), lockOf(await lock("b"))];
    const theirs = lockOf(await lock("ü/c", "bob-token"));
    const pages: unknown[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await lfs.call(`locks?limit=1&cursor=${cursor}`);
      const page = body as { locks: unknown[]; next_cursor?: string };
      pages.push(...page.locks);
      if (page.next_cursor === undefined) break;
      cursor = page.next_cursor;
    }
    const byPath = (locks: unknown[]) => [...(locks as { path: string }[])].sort((x, y) => (x.path < y.path ? -1 : 1));
    expect(byPath(pages)).toEqual(byPath([...mine, theirs]));
    expect((await lfs.call(`locks?path=${encodeURIComponent("ü/c")}`)).body).toEqual({ locks: [theirs] });
    expect((await lfs.call(`locks?id=${mine[0]?.id}`)).body).toEqual({ locks: [mine[0]] });
    expect((await lfs.call("locks?path=nowhere")).body).toEqual({ locks: [] });
    const verified = (await lfs.call("locks/verify", { body: { ref: { name: "refs/heads/main" } } })).body;
    expect(verified).toEqual({ ours: expect.arrayContaining(mine), theirs: [theirs] });
  });

  test("are taken away by their owner, or with force by an admin of the repository", async () => {
    const own = lockOf(await lock("a"));
    const unlock = (id: string, token: string, body: object = {}) => lfs.call(`locks/${id}/unlock`, { token, body });
    expect(await unlock(own.id, "bob-token")).toMatchObject({
      status: 403,
      body: { message: expect.stringMatching(/^"a" is locked by "alice" .* unlock --force$/) },
    });
    expect(await unlock(own.id, "bob-token", { force: true })).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining("only an admin of the repository (update repositories/admin)") },
    });
    expect(await unlock(own.id, "alice-token")).toMatchObject({ status: 200, body: { lock: own } });
    expect((await unlock(own.id, "alice-token")).status).toBe(404);
    const again = lockOf(await lock("a"));
    expect((await unlock(own.id, "alice-token")).status).toBe(404);
    lfs.gateway.cluster.grant("bob", "update", "admin", "acme", lfs.name);
    expect(await unlock(again.id, "bob-token", { force: true })).toMatchObject({ status: 200, body: { lock: again } });
    expect((await lfs.call("locks")).body).toEqual({ locks: [] });
  });
});
