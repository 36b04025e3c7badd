import { randomBytes } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { delimPkt, flushPkt, formatPktLine } from "@krate/git";
import { eventually } from "@krate/testing";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await GatewayFixture.start();
});
afterAll(() => gateway.stop());
beforeEach(() => {
  gateway.fetches.length = 0;
});

/** A repository of one commit with a file of random bytes; answers the commit. */
async function repositoryOf(name: string, bytes: number): Promise<string> {
  await gateway.createRepository(name);
  const work = await gateway.workTree(`${name}-work`, name);
  await writeFile(join(work, "random"), randomBytes(bytes));
  const id = await gateway.commit(work, "small", "x\n", "content");
  await ok(gateway.git(["push", "-q", "origin", "main"], work));
  return id;
}

function request(...wants: string[]): Buffer {
  const lines = ["command=fetch", `agent=git/${Math.random()}`, "object-format=sha1"].map((line) =>
    formatPktLine(line),
  );
  const args = ["ofs-delta", ...wants, "done"].map((line) => formatPktLine(line));
  return Buffer.concat([...lines, delimPkt, ...args, flushPkt]);
}

function post(name: string, body: Buffer, signal?: AbortSignal): Promise<Response> {
  return fetch(`${gateway.origin}/acme/${name}.git/git-upload-pack`, {
    method: "POST",
    headers: {
      authorization: "Bearer alice-token",
      "content-type": "application/x-git-upload-pack-request",
      "git-protocol": "version=2",
    },
    body: new Uint8Array(body),
    signal: signal ?? null,
  });
}

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

test("what fits into memory is computed once for all who ask at once or right after", async () => {
  const id = await repositoryOf("small", 10_000);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => bytesOf(await post("small", request(`want ${id}`)))),
  );
  const [first] = answers;
  expect(answers.every((answer) => first && answer.equals(first))).toBe(true);
  expect(first?.toString("latin1")).toContain("PACK");
  expect(gateway.fetches.filter((how) => how === "computed")).toHaveLength(1);
});

test("real clones at once share the answer and are whole", async () => {
  await repositoryOf("cloned", 500_000);
  const clones = Array.from({ length: 8 }, (_, index) =>
    gateway.git(["clone", "-q", "--bare", gateway.url("cloned"), `cloned-${index}.git`]),
  );
  await Promise.all(clones.map(ok));
  for (let index = 0; index < 8; index++)
    await ok(gateway.git(["--git-dir", join(gateway.folder, `cloned-${index}.git`), "fsck", "--strict"]));
  expect(gateway.fetches).toContain("shared");
});

test("a large answer is streamed to one, and goes to a nameless file once a second asks; a slow reader holds up nobody", async () => {
  const id = await repositoryOf("large", 8_000_000);
  // The first is alone: its answer outgrows memory before anybody joins, and is its own.
  await bytesOf(await post("large", request(`want ${id}`)));
  const [slow, quick] = await Promise.all([post("large", request(`want ${id}`)), post("large", request(`want ${id}`))]);
  const answer = await bytesOf(quick);
  expect(answer.length).toBeGreaterThan(8_000_000);
  expect((await bytesOf(slow)).equals(answer)).toBe(true);
  expect(gateway.fetches).toEqual(["computed", "computed", "shared"]);
  const gitDir = gateway.backend.gitDir({ namespace: "acme", name: "large" });
  expect(await readdir(join(gitDir, "krate/answers"))).toEqual([]);
});

test("who leaves takes nothing from those who stay, and the last one ends the process", async () => {
  const id = await repositoryOf("left", 8_000_000);
  await bytesOf(await post("left", request(`want ${id}`)));
  const leaving = new AbortController();
  const [gone, stays] = await Promise.all([
    post("left", request(`want ${id}`), leaving.signal),
    post("left", request(`want ${id}`)),
  ]);
  leaving.abort();
  await expect(gone.arrayBuffer()).rejects.toThrow();
  expect((await bytesOf(stays)).length).toBeGreaterThan(8_000_000);
  const last = new AbortController();
  await post("left", request(`want ${id}`), last.signal);
  const before = gateway.requests.length;
  last.abort();
  await eventually(async () => gateway.requests.length > before);
});

test.each([
  [(id: string) => [`want ${id}`, "deepen 1"], "shared", "a shallow clone says all it wants"],
  [(id: string) => [`want ${id}`, "filter blob:none"], "shared", "so does a partial one"],
  [(id: string) => [`want ${id}`, "deepen-since 1"], "own", "time is not in the request"],
  [() => [`want ${"1".repeat(40)}`], "computed", "what failed is not kept"],
])("%#: a second request is %s: %s", async (args, how, _reason) => {
  const id = await repositoryOf(`kinds-${how}-${Math.random().toString(36).slice(2)}`, 100);
  const name = [...gateway.cluster.repositories.values()].at(-1)?.name ?? "";
  for (const _round of [1, 2])
    await post(name, request(...args(id)))
      .then(bytesOf)
      .catch(() => undefined);
  expect(gateway.fetches.at(-1)).toBe(how);
});

test("a rest that is no pkt-line is git's to refuse", async () => {
  await repositoryOf("broken", 100);
  await post("broken", Buffer.from("zzzz"))
    .then(bytesOf)
    .catch(() => undefined);
  expect(gateway.fetches).toEqual(["own"]);
});
