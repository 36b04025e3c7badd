import { describe, expect, test } from "@jest/globals";
import type { IdentityMapping, ObjectOf, SSHKey, Team, User } from "@krate/kinds";
import { identityByKey, isDisabled, keyThatCounts, type People } from "./identity.ts";

type SSHKeyObject = ObjectOf<typeof SSHKey>;

function key(name: string, spec: object = {}, more: { metadata?: object; status?: object } = {}): SSHKeyObject {
  return {
    metadata: { namespace: "acme", name, creationTimestamp: "2026-01-01T00:00:00Z", ...more.metadata },
    spec: { organizationRef: "acme", scope: "user", owner: "ada", key: "ssh-ed25519 A", ...spec },
    status: more.status,
  } as SSHKeyObject;
}

const user = (name: string, spec: object = {}) => ({ metadata: { name }, spec }) as ObjectOf<typeof User>;
const team = (name: string, spec: object, status?: object) =>
  ({ metadata: { name }, spec: { organizationRef: "acme", ...spec }, status }) as ObjectOf<typeof Team>;
const mapping = (of: string, workspaceIdentity: object) =>
  ({ metadata: { name: of }, spec: { user: of, workspaceIdentity } }) as ObjectOf<typeof IdentityMapping>;

const nobody: People = { users: [], mappings: [], teams: [] };
const people: People = {
  users: [user("u1", { username: "ada" }), user("bob"), user("eve", { disabled: true })],
  mappings: [
    mapping("u1", { username: "ada@idp", groups: ["krate:developers", "system:masters"] }),
    mapping("bob", { username: "system:admin" }),
    mapping("eve", { username: "eve@idp" }),
  ],
  teams: [
    team("web", { members: ["ada"] }),
    team("ops", { maintainers: ["ada"] }, { groupName: "ops@idp" }),
    team("other", { members: ["bob"] }),
    team("sly", { members: ["ada"] }, { groupName: "system:masters" }),
  ],
};
const authenticated = "system:authenticated";
const scope = (name: string, more: object = {}) => ({
  name: `SSHKey/${name}`,
  namespace: "acme",
  readOnly: false,
  ...more,
});

describe("who the holder of a key is", () => {
  test.each([
    {
      reason: "a person nobody knows more of: the name alone",
      object: key("k"),
      of: nobody,
      identity: { user: "ada", groups: [authenticated], key: scope("k") },
    },
    {
      reason: "a person: Kubernetes name and groups of the sign-in, and teams, but no system group",
      object: key("k"),
      of: people,
      identity: {
        user: "ada@idp",
        groups: ["krate:developers", "krate:org:acme:team:web", "ops@idp", authenticated],
        key: scope("k"),
      },
    },
    {
      reason: "a person whose sign-in claims a system name",
      object: key("k", { owner: "bob" }),
      of: people,
      identity: undefined,
    },
    { reason: "a person who is switched off", object: key("k", { owner: "eve" }), of: people, identity: undefined },
    { reason: "a system name", object: key("k", { owner: "system:admin" }), of: nobody, identity: undefined },
    {
      reason: "a ServiceAccount of another namespace, such as the one that merges",
      object: key("k", { owner: "system:serviceaccount:krate-system:repository-operator" }),
      of: nobody,
      identity: undefined,
    },
    {
      reason: "a ServiceAccount of the key's namespace",
      object: key("k", { scope: "automation", owner: "system:serviceaccount:acme:bot" }),
      of: nobody,
      identity: {
        user: "system:serviceaccount:acme:bot",
        groups: ["system:serviceaccounts", "system:serviceaccounts:acme", authenticated],
        key: scope("k"),
      },
    },
    {
      reason: "a deploy key: itself, its repository, to read",
      object: key("k", { scope: "deploy", repository: "web" }),
      of: people,
      identity: {
        user: "krate:ssh-key:acme:k",
        groups: [authenticated],
        key: scope("k", { repository: "web", readOnly: true }),
      },
    },
    {
      reason: "a deploy key that says that it writes",
      object: key("k", { scope: "deploy", repository: "web", readOnly: false }),
      of: nobody,
      identity: { user: "krate:ssh-key:acme:k", groups: [authenticated], key: scope("k", { repository: "web" }) },
    },
    {
      reason: "Argo CD's key without a repository: itself, with whatever rights it has",
      object: key("k", { scope: "argocd", owner: undefined }),
      of: nobody,
      identity: { user: "krate:ssh-key:acme:k", groups: [authenticated], key: scope("k", { readOnly: true }) },
    },
    {
      reason: "automation of nobody",
      object: key("k", { scope: "automation", owner: undefined, readOnly: true }),
      of: nobody,
      identity: { user: "krate:ssh-key:acme:k", groups: [authenticated], key: scope("k", { readOnly: true }) },
    },
    {
      reason: "a person's key for another repository only",
      object: key("k", { repository: "docs" }),
      of: nobody,
      identity: undefined,
    },
  ])("$reason", ({ object, of, identity }) => {
    expect(identityByKey(object, "web", of)).toEqual(identity);
  });

  test("switched off is who is so by either name", () => {
    expect(["ada", "eve", "eve@idp", "nobody"].map((name) => isDisabled(name, people))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});

const older = { metadata: { creationTimestamp: "2025-01-01T00:00:00Z" } };
test.each([
  { reason: "the only one", same: [key("a")], name: "a" },
  { reason: "the older one", same: [key("a"), key("b", {}, older)], name: "b" },
  { reason: "of the same age the first by name", same: [key("b"), key("a")], name: "a" },
  {
    reason: "none: of the same second, the one with a status is the first, and revoked",
    same: [key("a"), key("b", { revoked: true }, { status: { phase: "Revoked" } })],
    name: undefined,
  },
  { reason: "none: the first is revoked", same: [key("a"), key("b", { revoked: true }, older)], name: undefined },
  {
    reason: "none: it is being deleted",
    same: [key("a", {}, { metadata: { deletionTimestamp: "x" } })],
    name: undefined,
  },
  {
    reason: "the one that was not rejected",
    same: [key("a", {}, { ...older, status: { phase: "Rejected" } }), key("b")],
    name: "b",
  },
  { reason: "none is registered", same: [], name: undefined },
])("of keys that are the same counts: $reason", ({ same, name }) => {
  expect(keyThatCounts(same)?.metadata.name).toBe(name);
});
