import { IdentityMapping, type KindRef, type ObjectOf, type SSHKey, Team, type User } from "@krate/kinds";
import { type Informer, informer, type KubeClient } from "@krate/kube";
import { fingerprintOfSshKey } from "@krate/pki/ssh";
import type { Identity } from "../ports.ts";
import { holderOf, identityByKey, isDisabled, keyThatCounts, type People } from "../ssh/identity.ts";
import type { SshKeys } from "../ssh/ports.ts";

type SSHKeyObject = ObjectOf<typeof SSHKey>;
type UserObject = ObjectOf<typeof User>;

const byFingerprint = "fingerprint";

/** Registered keys, and whose they are, from local copies. */
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
    const registered = this.#keys.byIndex(byFingerprint, fingerprint);
    return [...new Set(registered.map(({ metadata }) => metadata.namespace ?? ""))].flatMap((namespace) => {
      const key = this.#keyOf(fingerprint, namespace);
      return (key && holderOf(key, this.#peopleOf(namespace))?.user) ?? [];
    });
  }

  identityOf(
    fingerprint: string,
    { namespace, repository }: { namespace: string; repository: string },
  ): Identity | undefined {
    const key = this.#keyOf(fingerprint, namespace);
    return key && identityByKey(key, repository, this.#peopleOf(namespace));
  }

  isDisabled(user: string, namespace: string): boolean {
    return isDisabled(user, this.#peopleOf(namespace));
  }

  #keyOf(fingerprint: string, namespace: string): SSHKeyObject | undefined {
    const registered = this.#keys.byIndex(byFingerprint, fingerprint);
    return keyThatCounts(registered.filter(({ metadata }) => metadata.namespace === namespace));
  }

  #peopleOf(namespace: string): People {
    return {
      users: this.#users.list(namespace),
      mappings: this.#mappings.list(namespace),
      teams: this.#teams.list(namespace),
    };
  }
}

function fingerprintsOf(key: string): string[] {
  try {
    return [fingerprintOfSshKey(key)];
  } catch {
    // Its status says what is wrong with it; it opens nothing.
    return [];
  }
}
