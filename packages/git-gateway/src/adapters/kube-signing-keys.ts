import { GPGKey, type KindRef, type ObjectOf, SSHKey, User } from "@krate/kinds";
import { type Informer, informer, type KubeClient } from "@krate/kube";
import type { RegisteredKey, SigningKeys } from "../signatures/commit-signatures.ts";

type SSHKeyObject = ObjectOf<typeof SSHKey>;
type GPGKeyObject = ObjectOf<typeof GPGKey>;
type UserObject = ObjectOf<typeof User>;

/** Scopes of keys that sign. A deploy key opens a repository; it stands for nobody. */
const signingScopes: readonly string[] = ["user", "automation"];

/** SSHKeys of people and automation, and GPGKeys, of each namespace, from local copies. */
export class KubeSigningKeys implements SigningKeys {
  /** Shared with whoever signs people in by them. */
  readonly sshKeys: Informer<SSHKeyObject>;
  readonly users: Informer<UserObject>;
  readonly #gpgKeys: Informer<GPGKeyObject>;
  /** The same object for the same version of a key, so that what is parsed from it is kept. */
  readonly #registered = new WeakMap<object, RegisteredKey>();

  constructor(client: KubeClient, onProblem: (message: string, error: unknown) => void) {
    const report = ({ message, error }: { message: string; error: unknown }) => onProblem(message, error);
    const copy = <K extends KindRef>(kind: K) => informer(client, kind, { onProblem: report });
    this.sshKeys = copy(SSHKey);
    this.#gpgKeys = copy(GPGKey);
    this.users = copy(User);
  }

  start(signal: AbortSignal): void {
    for (const copy of [this.sshKeys, this.#gpgKeys, this.users]) copy.start(signal);
  }

  async synced(): Promise<void> {
    await Promise.all([this.sshKeys.synced(), this.#gpgKeys.synced(), this.users.synced()]);
  }

  ssh(namespace: string): RegisteredKey[] {
    const keys = this.sshKeys.list(namespace).filter(({ spec }) => signingScopes.includes(spec.scope));
    return keys.map((key) => this.#registeredOf("SSHKey", key, key.spec.owner ?? key.metadata.name ?? ""));
  }

  pgp(namespace: string): RegisteredKey[] {
    return this.#gpgKeys.list(namespace).map((key) => this.#registeredOf("GPGKey", key, key.spec.owner));
  }

  #registeredOf(kind: string, object: SSHKeyObject | GPGKeyObject, owner: string): RegisteredKey {
    const { metadata, spec, status } = object;
    let registered = this.#registered.get(object);
    if (!registered) {
      registered = { name: `${kind}/${metadata.name}`, owner, key: spec.key };
      this.#registered.set(object, registered);
    }
    // Whether it counts may change without the key.
    const invalid = spec.revoked
      ? "is revoked"
      : metadata.deletionTimestamp !== undefined
        ? "is being deleted"
        : status?.phase === "Rejected"
          ? "was rejected"
          : this.#isDisabled(metadata.namespace ?? "", owner)
            ? `belongs to ${owner}, who is disabled`
            : undefined;
    registered.invalid = invalid;
    return registered;
  }

  #isDisabled(namespace: string, owner: string): boolean {
    const users = this.users.list(namespace);
    const user = users.find(({ metadata, spec }) => (spec.username ?? metadata.name) === owner);
    return user?.spec.disabled === true;
  }
}
