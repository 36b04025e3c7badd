import { IdentityMapping, type KindRef, type ObjectOf, SSHKey, Team, type User } from "@krate/kinds";
import { type Informer, informer, type KubeClient } from "@krate/kube";
import { fingerprintOfSshKey } from "@krate/pki/ssh";
import type { Identity } from "../ports.ts";
import { holderOf, identityByKey, isDisabled, keyThatCounts, type People } from "../ssh/identity.ts";
import type { SshKeys } from "../ssh/ports.ts";

type SSHKeyObject = ObjectOf<typeof SSHKey>;
type UserObject = ObjectOf<typeof User>;

const byFingerprint = "fingerprint";
const hourMs = 3600 * 1000;
/** Writes of `lastUsedAt` under way at once; what comes on top is written at its next use. */
const maxWrites = 16;

/** Registered keys, and whose they are, from local copies. */
export class KubeSshKeys implements SshKeys {
  readonly #keys: Informer<SSHKeyObject>;
  readonly #users: Informer<UserObject>;
  readonly #teams: Informer<ObjectOf<typeof Team>>;
  readonly #mappings: Informer<ObjectOf<typeof IdentityMapping>>;
  readonly #client: KubeClient;
  readonly #onProblem: (message: string, error: unknown) => void;
  /** Keys whose use is being written. */
  readonly #writing = new Set<string>();

  /** `shared`: copies that others keep and start. */
  constructor(
    client: KubeClient,
    shared: { sshKeys: Informer<SSHKeyObject>; users: Informer<UserObject> },
    onProblem: (message: string, error: unknown) => void,
  ) {
    const report = ({ message, error }: { message: string; error: unknown }) => onProblem(message, error);
    const copy = <K extends KindRef>(kind: K) => informer(client, kind, { onProblem: report });
    this.#client = client;
    this.#onProblem = onProblem;
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

  /** To the hour, as the kind has it: most uses of a key write nothing. */
  used(fingerprint: string, namespace: string): void {
    const key = this.#keyOf(fingerprint, namespace);
    const hour = new Date(Math.floor(Date.now() / hourMs) * hourMs);
    const before = key?.status?.lastUsedAt;
    const uid = key?.metadata.uid ?? "";
    const isKnown = before !== undefined && Date.parse(before) >= hour.getTime();
    if (!key || isKnown || this.#writing.has(uid) || this.#writing.size >= maxWrites) return;
    this.#writing.add(uid);
    const metadata = { namespace, name: key.metadata.name ?? "" };
    // Whole seconds: the form metav1.Time has.
    const lastUsedAt = `${hour.toISOString().slice(0, 19)}Z`;
    this.#client
      .apply(
        SSHKey,
        { metadata, status: { lastUsedAt } },
        { fieldManager: "git-gateway", subresource: "status", force: true },
      )
      .catch((error: unknown) => this.#onProblem("when an SSH key was last used could not be written", error))
      .finally(() => this.#writing.delete(uid));
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
