import { IdentityMapping, type KindRef, type ObjectOf, type SSHKey, Team, type User } from "@krate/kinds";
import { type Informer, informer, type KubeClient } from "@krate/kube";
import { fingerprintOfSshKey } from "@krate/pki/ssh";
import type { Identity } from "../ports.ts";
import type { SshKeys } from "../ssh/ports.ts";

type SSHKeyObject = ObjectOf<typeof SSHKey>;
type UserObject = ObjectOf<typeof User>;

/** Keys of these scopes stand for a repository rather than for somebody, and only read unless they say otherwise. */
const machineScopes: readonly string[] = ["deploy", "argocd"];
const byFingerprint = "fingerprint";
const authenticated = "system:authenticated";

/**
 * Registered keys from local copies. A key opens repositories of its own namespace only: whoever may register keys there decides
 * about nothing else.
 *
 *   user, automation with owner      its owner: the User's Kubernetes identity from IdentityMappings, groups of Teams besides
 *   deploy, argocd with repository   krate:ssh-key:<namespace>:<name>, which opens that repository and nothing else
 *   others                           krate:ssh-key:<namespace>:<name>, with the rights somebody bound to that user
 *
 * Nobody becomes a Kubernetes system identity by a key, but a ServiceAccount of the key's own namespace.
 */
export class KubeSshKeys implements SshKeys {
  readonly #keys: Informer<SSHKeyObject>;
  readonly #users: Informer<UserObject>;
  readonly #teams: Informer<ObjectOf<typeof Team>>;
  readonly #mappings: Informer<ObjectOf<typeof IdentityMapping>>;

  /** `shared`: copies that others keep and start. */
  constructor(
    client: KubeClient,
    shared: { sshKeys: Informer<SSHKeyObject>; users: Informer<UserObject> },
    onProblem: (message: string, error: unknown) => void,
  ) {
    const report = ({ message, error }: { message: string; error: unknown }) => onProblem(message, error);
    const copy = <K extends KindRef>(kind: K) => informer(client, kind, { onProblem: report });
    this.#keys = shared.sshKeys;
    this.#keys.addIndex(byFingerprint, ({ spec }) => fingerprintsOf(spec.key));
    this.#users = shared.users;
    this.#teams = copy(Team);
    this.#mappings = copy(IdentityMapping);
  }

  start(signal: AbortSignal): void {
    for (const copy of [this.#teams, this.#mappings]) copy.start(signal);
  }

  async synced(): Promise<void> {
    await Promise.all([this.#teams.synced(), this.#mappings.synced()]);
  }

  usersOf(fingerprint: string): string[] {
    const namespaces = new Set(
      this.#keys.byIndex(byFingerprint, fingerprint).map(({ metadata }) => metadata.namespace),
    );
    return [...namespaces].flatMap((namespace = "") => {
      const key = this.#keyOf(fingerprint, namespace);
      return key ? (this.#holderOf(key, namespace)?.user ?? []) : [];
    });
  }

  identityOf(
    fingerprint: string,
    { namespace, repository }: { namespace: string; repository: string },
  ): Identity | undefined {
    const key = this.#keyOf(fingerprint, namespace);
    if (!key) return undefined;
    const { scope, readOnly } = key.spec;
    const isMachine = machineScopes.includes(scope);
    // The only repository of a key that acts as somebody bounds it as well.
    if (!isMachine && key.spec.repository !== undefined && key.spec.repository !== repository) return undefined;
    const holder = this.#holderOf(key, namespace);
    if (!holder) return undefined;
    return {
      ...holder,
      key: {
        name: `SSHKey/${key.metadata.name}`,
        namespace,
        readOnly: readOnly ?? isMachine,
        ...(isMachine && key.spec.repository !== undefined && { repository: key.spec.repository }),
      },
    };
  }

  isDisabled(name: string, namespace: string): boolean {
    const mapped = this.#mappings
      .list(namespace)
      .filter(({ spec }) => spec.workspaceIdentity?.username === name)
      .map(({ spec }) => spec.user);
    return this.#users
      .list(namespace)
      .some((user) => user.spec.disabled && (nameOf(user) === name || mapped.includes(user.metadata.name ?? "")));
  }

  /** The key with this fingerprint that counts in a namespace: of several the first one, as its status says. */
  #keyOf(fingerprint: string, namespace: string): SSHKeyObject | undefined {
    const [first] = this.#keys
      .byIndex(byFingerprint, fingerprint)
      .filter(({ metadata, status }) => metadata.namespace === namespace && status?.phase !== "Rejected")
      .sort(byAge);
    return first && !first.spec.revoked && first.metadata.deletionTimestamp === undefined ? first : undefined;
  }

  #holderOf({ metadata, spec }: SSHKeyObject, namespace: string): Pick<Identity, "user" | "groups"> | undefined {
    if (machineScopes.includes(spec.scope) || spec.owner === undefined)
      return { user: `krate:ssh-key:${namespace}:${metadata.name}`, groups: [authenticated] };
    if (!isSystem(spec.owner)) return this.#personOf(spec.owner, namespace);
    if (!spec.owner.startsWith(`system:serviceaccount:${namespace}:`)) return undefined;
    return {
      user: spec.owner,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, authenticated],
    };
  }

  /** Whom Kubernetes knows an owner as. Without a User the name itself is all that is known. */
  #personOf(owner: string, namespace: string): Pick<Identity, "user" | "groups"> | undefined {
    if (this.isDisabled(owner, namespace)) return undefined;
    const user = this.#users.list(namespace).find((each) => nameOf(each) === owner);
    const mapped = this.#mappings
      .list(namespace)
      .filter(({ spec }) => user !== undefined && spec.user === user.metadata.name)
      .map(({ spec }) => spec.workspaceIdentity);
    const teams = this.#teams
      .list(namespace)
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
}

function nameOf({ metadata, spec }: UserObject): string {
  return spec.username ?? metadata.name ?? "";
}

function isSystem(name: string): boolean {
  return name.startsWith("system:");
}

function byAge(a: SSHKeyObject, b: SSHKeyObject): number {
  const order = (key: SSHKeyObject) => `${key.metadata.creationTimestamp ?? ""} ${key.metadata.name ?? ""}`;
  return order(a) < order(b) ? -1 : 1;
}

function fingerprintsOf(key: string): string[] {
  try {
    return [fingerprintOfSshKey(key)];
  } catch {
    // Its status says what is wrong with it; it opens nothing.
    return [];
  }
}
