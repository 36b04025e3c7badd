import { describe, expect, test } from "@jest/globals";
import { branchKeys, isLocated, locate, type RepositoryObject } from "./locate.ts";
import type { PullRequestObject } from "./status.ts";

const repository = (namespace: string, name: string, spec: object = {}) =>
  ({ metadata: { namespace, name }, spec: { organizationRef: namespace, ...spec } }) as RepositoryObject;
const pullRequest = (spec: object) =>
  ({
    metadata: { namespace: "acme", name: "p" },
    spec: { organizationRef: "acme", repository: "shop", head: "topic", title: "x", ...spec },
  }) as PullRequestObject;

describe("where head and base are", () => {
  const all = [
    repository("acme", "shop", { defaultBranch: "trunk" }),
    repository("bob", "shop", { forkOf: { organization: "acme", name: "shop" } }),
    repository("bob", "secret"),
    repository("acme", "copy", { forkOf: { name: "shop" } }),
    repository("eve", "copy", { forkOf: { name: "shop" } }),
  ];
  const find = (namespace: string, name: string) =>
    all.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  const lookup = {
    get: (key: { namespace: string; name: string }) => find(key.namespace, key.name),
    ofOrganization: find,
  };

  test.each([
    {
      reason: "the default branch when none is named",
      spec: {},
      head: "acme/shop refs/heads/topic",
      base: "refs/heads/trunk",
    },
    {
      reason: "a base that is named",
      spec: { base: "main" },
      head: "acme/shop refs/heads/topic",
      base: "refs/heads/main",
    },
    {
      reason: "the repository itself as head repository",
      spec: { headRepository: { organization: "acme", name: "shop" } },
      head: "acme/shop refs/heads/topic",
      base: "refs/heads/trunk",
    },
    {
      reason: "a fork of another organization",
      spec: { headRepository: { organization: "bob", name: "shop" } },
      head: "bob/shop refs/heads/topic",
      base: "refs/heads/trunk",
      fork: true,
    },
    {
      reason: "a fork in the same organization",
      spec: { headRepository: { organization: "acme", name: "copy" } },
      head: "acme/copy refs/heads/topic",
      base: "refs/heads/trunk",
      fork: true,
    },
  ])("$reason", ({ spec, head, base, fork = false }) => {
    const found = locate(pullRequest(spec), lookup);
    if (!isLocated(found)) throw new Error(found.message);
    const { namespace, name } = found.head.repository;
    expect({ head: `${namespace}/${name} ${found.head.ref}`, base: found.base.ref, fork: found.fork }).toEqual({
      head,
      base,
      fork,
    });
  });

  test.each([
    { reason: "no such repository", spec: { repository: "gone" }, message: 'repository "gone" does not exist' },
    {
      reason: "no such fork",
      spec: { headRepository: { organization: "x", name: "y" } },
      message: 'head repository "x/y" does not exist',
    },
    {
      reason: "a repository that is no fork is not read",
      spec: { headRepository: { organization: "bob", name: "secret" } },
      message: 'head repository "bob/secret" is not a fork of "acme/shop"',
    },
    {
      reason: "nor one that is a fork of a namesake",
      spec: { headRepository: { organization: "eve", name: "copy" } },
      message: 'head repository "eve/copy" is not a fork of "acme/shop"',
    },
  ])("$reason", ({ spec, message }) => {
    expect(locate(pullRequest(spec), lookup)).toEqual({ reason: "RepositoryMissing", message });
  });

  test("a push to either end finds the pull request", () => {
    const keys = branchKeys(pullRequest({ base: "main", headRepository: { organization: "bob", name: "shop" } }));
    expect(keys).toEqual(["bob/shop/refs/heads/topic", "acme/shop/refs/heads/main"]);
  });
});
