/** Refs below refs/pull/ and refs/queue/: the server's to move, everybody's to read, and no way around the rules of a branch. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ObjectOf, RefPolicy } from "@krate/kinds";
import { compileBundle, evaluatePush } from "@krate/refpolicy";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await GatewayFixture.start();
  gateway.cluster.addUser("operator-token", "system:serviceaccount:krate-system:repository-operator");
});
afterAll(() => gateway.stop());

async function repositoryOf(name: string): Promise<string> {
  await gateway.createRepository(name);
  for (const verb of ["get", "update"] as const)
    gateway.cluster.grant("system:serviceaccount:krate-system:repository-operator", verb, "content", "acme", name);
  const work = await gateway.workTree(`${name}-work`, name);
  await ok(gateway.git(["push", "-q", "origin", "main"], work));
  return work;
}

function enforce(rules: NonNullable<ObjectOf<typeof RefPolicy>["spec"]["rules"]>): void {
  const { bundle, problems } = compileBundle({
    namespace: "acme",
    refPolicies: [{ metadata: { name: "p" }, spec: { organizationRef: "acme", rules } } as ObjectOf<typeof RefPolicy>],
    branchProtections: [],
    repositories: [],
  });
  expect(problems).toEqual([]);
  gateway.cluster.engine = { evaluate: (push) => evaluatePush(bundle, push), afterwards: async () => [] };
}

test("people can neither make, move nor delete them, nor stand in their way", async () => {
  const work = await repositoryOf("theirs");
  const operator = gateway.url("theirs", "operator-token");
  await ok(gateway.git(["push", "-q", operator, "main:refs/pull/7/head"], work));
  for (const refspec of ["main:refs/pull/8/head", "+main:refs/pull/7/head", "main:refs/pull"])
    expect((await gateway.git(["push", "origin", refspec], work)).stderr).toContain(
      "refs below refs/pull/ belong to the server; push to the head branch of the pull request instead",
    );
  for (const refspec of ["main:refs/queue/main/0a1b2c", "main:refs/queue"])
    expect((await gateway.git(["push", "origin", refspec], work)).stderr).toContain(
      "refs below refs/queue/ belong to the merge queue; set queued on the pull request instead",
    );
  const deleted = await gateway.git(["push", "origin", ":refs/pull/7/head"], work);
  expect(deleted.code).not.toBe(0);
  const fetched = await gateway.git(["fetch", "-q", "origin", "refs/pull/7/head:seven"], work);
  expect(fetched).toMatchObject({ code: 0 });
});

test("a clone has them only when it asks", async () => {
  const work = await repositoryOf("asked");
  await gateway.commit(work, "topic.txt", "t\n", "topic");
  const head = (await ok(gateway.git(["rev-parse", "HEAD"], work))).stdout.trim();
  await ok(gateway.git(["push", "-q", gateway.url("asked", "operator-token"), "HEAD:refs/pull/1/head"], work));
  await ok(gateway.git(["clone", "-q", gateway.url("asked"), "asked-clone"]));
  const clone = `${gateway.folder}/asked-clone`;
  expect((await gateway.git(["cat-file", "-e", head], clone)).code).not.toBe(0);
  await ok(gateway.git(["fetch", "-q", "origin", "refs/pull/1/head"], clone));
  expect((await ok(gateway.git(["rev-parse", "FETCH_HEAD"], clone))).stdout.trim()).toBe(head);
});

test.each([
  { ref: "refs/pull/1/head", name: "judged" },
  { ref: "refs/queue/main/0a1b2c", name: "judged-queue" },
])("policies do not look at $ref, and judge its commits and files when a branch takes them", async ({ ref, name }) => {
  const work = await repositoryOf(name);
  await gateway.commit(work, "large.bin", "x".repeat(5000), "no ticket");
  const push = (refspec: string) => gateway.git(["push", gateway.url(name, "operator-token"), refspec], work);
  enforce([
    { name: "small", type: "max-object-size", refs: ["refs/**"], params: { maxBytes: 1000 } },
    { name: "ticket", type: "commit-message-pattern", refs: ["refs/**"], params: { pattern: "^T-[0-9]+" } },
  ]);
  await ok(push(`HEAD:${ref}`));
  const landed = await push("HEAD:main");
  expect(landed.stderr).toContain("p small");
  expect(landed.stderr).toContain("rule ticket");

  // The same with a pack that is not unpacked.
  for (let index = 0; index < 60; index++) await gateway.commit(work, `f-${index}`, `${index}\n`, `T-${index}`);
  const large = await push("HEAD:main");
  expect(large.stderr).toContain("p small");

  // A file that a branch had before is not new.
  enforce([]);
  await ok(push("HEAD:main"));
  await gateway.commit(work, "other.txt", "o\n", "T-1 goes");
  await ok(gateway.git(["rm", "-q", "large.bin"], work));
  await ok(gateway.git(["commit", "-q", "-m", "T-2 without"], work));
  await ok(push("HEAD:main"));
  await gateway.commit(work, "again.bin", "x".repeat(5000), "T-3 with");
  enforce([{ name: "small", type: "max-object-size", refs: ["refs/**"], params: { maxBytes: 1000 } }]);
  await ok(push("HEAD:main"));
});
