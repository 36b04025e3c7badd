/**
 * Who the holder of a registered key is to Kubernetes: pure.
 *
 *   user, automation with owner      its owner: the User's Kubernetes identity from IdentityMappings, groups of Teams besides
 *   deploy, argocd with repository   krate:ssh-key:<namespace>:<name>, which opens that repository and nothing else
 *   others                           krate:ssh-key:<namespace>:<name>, with the rights somebody bound to that user
 *
 * Who may register keys in a namespace is trusted with its people, not with the cluster: a key opens nothing outside its namespace,
 * and nobody becomes a Kubernetes system identity by one, but a ServiceAccount of that namespace.
 */
import type { IdentityMapping, ObjectOf, SSHKey, Team, User } from "@krate/kinds";
import type { Identity } from "../ports.ts";

type SSHKeyObject = ObjectOf<typeof SSHKey>;

/** The people of one namespace. */
export interface People {
  users: readonly ObjectOf<typeof User>[];
  mappings: readonly ObjectOf<typeof IdentityMapping>[];
  teams: readonly ObjectOf<typeof Team>[];
}

type Holder = Pick<Identity, "user" | "groups">;

/** Keys of these scopes stand for a repository rather than for somebody, and only read unless they say otherwise. */
const machineScopes: readonly string[] = ["deploy", "argocd"];
const authenticated = "system:authenticated";

/** Of keys that are the same, in one namespace, the one that counts: the first, if it still does. */
export function keyThatCounts(same: readonly SSHKeyObject[]): SSHKeyObject | undefined {
  const [first] = same.filter(({ status }) => status?.phase !== "Rejected").sort(byAge);
  return first && !first.spec.revoked && first.metadata.deletionTimestamp === undefined ? first : undefined;
}

/** The holder's identity towards a repository of the key's namespace, or undefined when the key opens nothing there. */
export function identityByKey(key: SSHKeyObject, repository: string, people: People): Identity | undefined {
  const { metadata, spec } = key;
  const isMachine = machineScopes.includes(spec.scope);
  // The only repository of a key that acts as somebody bounds it as well.
  if (!isMachine && spec.repository !== undefined && spec.repository !== repository) return undefined;
  const holder = holderOf(key, people);
  if (!holder) return undefined;
  return {
    ...holder,
    key: {
      name: `SSHKey/${metadata.name}`,
      namespace: metadata.namespace ?? "",
      readOnly: spec.readOnly ?? isMachine,
      ...(isMachine && spec.repository !== undefined && { repository: spec.repository }),
    },
  };
}

/** User and groups of whoever holds a key; undefined for somebody who is switched off, or whom no key may stand for. */
export function holderOf({ metadata, spec }: SSHKeyObject, people: People): Holder | undefined {
  const namespace = metadata.namespace ?? "";
  if (machineScopes.includes(spec.scope) || spec.owner === undefined)
    return { user: `krate:ssh-key:${namespace}:${metadata.name}`, groups: [authenticated] };
  if (!isSystem(spec.owner)) return personOf(spec.owner, people);
  if (!spec.owner.startsWith(`system:serviceaccount:${namespace}:`)) return undefined;
  return { user: spec.owner, groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, authenticated] };
}

/** Whether a person, by the name in the organization or by that in Kubernetes, is switched off. */
export function isDisabled(name: string, { users, mappings }: People): boolean {
  const mapped = mappings.filter(({ spec }) => spec.workspaceIdentity?.username === name).map(({ spec }) => spec.user);
  return users.some(
    (user) => user.spec.disabled && (nameOf(user) === name || mapped.includes(user.metadata.name ?? "")),
  );
}

/** Whom Kubernetes knows an owner as. Without a User the name itself is all that is known. */
function personOf(owner: string, people: People): Holder | undefined {
  if (isDisabled(owner, people)) return undefined;
  const user = people.users.find((each) => nameOf(each) === owner);
  const mapped = people.mappings
    .filter(({ spec }) => user !== undefined && spec.user === user.metadata.name)
    .map(({ spec }) => spec.workspaceIdentity);
  const teams = people.teams
    .filter(({ spec }) => spec.members?.includes(owner) || spec.maintainers?.includes(owner))
    .map(
      ({ metadata, spec, status }) => status?.groupName ?? `krate:org:${spec.organizationRef}:team:${metadata.name}`,
    );
  const groups = [...mapped.flatMap((identity) => identity?.groups ?? []), ...teams].filter(
    (group) => !isSystem(group),
  );
  const username = mapped.find((identity) => identity?.username)?.username ?? owner;
  if (isSystem(username)) return undefined;
  return { user: username, groups: [...new Set(groups), authenticated] };
}

function nameOf({ metadata, spec }: ObjectOf<typeof User>): string {
  return spec.username ?? metadata.name ?? "";
}

function isSystem(name: string): boolean {
  return name.startsWith("system:");
}

/** By age; of the same second, to which Kubernetes tells it, the one whose status is set was there first. */
function byAge(a: SSHKeyObject, b: SSHKeyObject): number {
  const order = ({ metadata, status }: SSHKeyObject) => {
    const isKnown = status?.phase === "Active" || status?.phase === "Revoked";
    return `${metadata.creationTimestamp ?? ""} ${isKnown ? 0 : 1} ${metadata.name ?? ""}`;
  };
  return order(a) < order(b) ? -1 : 1;
}
