import { expect, test } from "@jest/globals";
import { giteaName } from "./names.ts";
import { placementOrder } from "./placement.ts";

const servers = ["gitea-0", "gitea-1", "gitea-2"].map((name) => ({ name }));
const keys = Array.from({ length: 300 }, (_, index) => `k-acme/shop-${index}`);
const first = (key: string, of = servers) => placementOrder(key, of)[0]?.name;

test("the order is the same whatever order the servers are named in", () => {
  for (const key of keys) expect(placementOrder(key, servers.toReversed())).toEqual(placementOrder(key, servers));
});

test("every server gets a share, and one more takes its own and moves nothing else", () => {
  const more = [...servers, { name: "gitea-3" }];
  expect(new Set(keys.map((key) => first(key))).size).toBe(3);
  const moved = keys.filter((key) => first(key) !== first(key, more));
  expect(moved.length).toBeGreaterThan(0);
  expect(new Set(moved.map((key) => first(key, more)))).toEqual(new Set(["gitea-3"]));
});

test.each([
  { reason: "plain", namespace: "acme", name: "shop", is: "k-acme/shop" },
  { reason: "two signs in a row", namespace: "a--b", name: "shop", is: /^k-x-a-b-[0-9a-f]{10}\/shop$/ },
  { reason: "an ending Gitea keeps", namespace: "acme", name: "x.wiki", is: /^k-acme\/x-x-wiki-[0-9a-f]{10}$/ },
  { reason: "what looks like a cut one", namespace: "acme", name: "x-y", is: /^k-acme\/x-x-y-[0-9a-f]{10}$/ },
  {
    reason: "long",
    namespace: "n".repeat(63),
    name: "r".repeat(253),
    is: /^k-x-n{1,36}-[0-9a-f]{10}\/x-r+-[0-9a-f]{10}$/,
  },
])("names in Gitea: $reason", ({ namespace, name, is }) => {
  const found = giteaName({ namespace, name });
  expect(`${found.owner}/${found.name}`).toMatch(is);
  expect([found.owner.length <= 40, found.name.length <= 100]).toEqual([true, true]);
});
