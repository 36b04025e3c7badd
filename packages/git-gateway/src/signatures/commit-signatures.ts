import { fingerprintOfSshKey } from "@krate/pki/ssh";
import type { PublicKey } from "openpgp";
import type { CommitSignature, CommitSignatures, SignedObject } from "../ports.ts";
import { isPgpSignature, parsePgpKey, verifyPgpSignature } from "./openpgp-signature.ts";
import { isSshSignature, verifySshSignature } from "./ssh-signature.ts";

/** A key somebody registered. */
export interface RegisteredKey {
  /** `SSHKey/ada-laptop` */
  name: string;
  owner: string;
  /** One line in the form of authorized_keys, or an armored OpenPGP key. */
  key: string;
  /** Why signatures with it do not count, such as `is revoked`. */
  invalid?: string;
}

/** Keys that count in a namespace. */
export interface SigningKeys {
  ssh(namespace: string): readonly RegisteredKey[];
  pgp(namespace: string): readonly RegisteredKey[];
}

/** A key that cannot be parsed counts for nothing; it is remembered with the object, not parsed again. */
type Parsed<T> = { registered: RegisteredKey; parsed: T }[];

/**
 * Verifies signatures of commits against registered keys: a signature is good when it is cryptographically right and its key is
 * registered in the namespace, not revoked, and its owner not disabled. S/MIME signatures are not accepted.
 */
export class RegisteredKeySignatures implements CommitSignatures {
  readonly #keys: SigningKeys;
  readonly #fingerprints = new WeakMap<RegisteredKey, string | undefined>();
  readonly #pgpKeys = new WeakMap<RegisteredKey, Promise<PublicKey | undefined>>();

  constructor(keys: SigningKeys) {
    this.#keys = keys;
  }

  async verify(namespace: string, { payload, signature }: SignedObject): Promise<CommitSignature> {
    try {
      if (isSshSignature(signature)) return this.#verifySsh(namespace, payload, signature);
      if (isPgpSignature(signature)) return await this.#verifyPgp(namespace, payload, signature);
    } catch (error) {
      return { state: "unverified", reason: error instanceof Error ? error.message : String(error) };
    }
    return { state: "unverified", reason: "only SSH and OpenPGP signatures are accepted" };
  }

  #verifySsh(namespace: string, payload: Buffer, armor: string): CommitSignature {
    const fingerprint = verifySshSignature(payload, armor);
    const matching = this.#keys.ssh(namespace).filter((key) => this.#fingerprintOf(key) === fingerprint);
    return judged(matching, `SSH key ${fingerprint}`);
  }

  #fingerprintOf(key: RegisteredKey): string | undefined {
    if (!this.#fingerprints.has(key))
      this.#fingerprints.set(
        key,
        orUndefined(() => fingerprintOfSshKey(key.key)),
      );
    return this.#fingerprints.get(key);
  }

  async #verifyPgp(namespace: string, payload: Buffer, armor: string): Promise<CommitSignature> {
    const keys: Parsed<PublicKey> = [];
    for (const registered of this.#keys.pgp(namespace)) {
      const known = this.#pgpKeys.get(registered) ?? parsePgpKey(registered.key).catch(() => undefined);
      this.#pgpKeys.set(registered, known);
      const parsed = await known;
      if (parsed) keys.push({ registered, parsed });
    }
    const index = await verifyPgpSignature(
      payload,
      armor,
      keys.map(({ parsed }) => parsed),
    );
    const { registered, parsed } = keys[index] as (typeof keys)[number];
    return judged([registered], `OpenPGP key ${parsed.getFingerprint().toUpperCase()}`);
  }
}

/** Of several registrations of one key one that counts is enough. */
function judged(matching: readonly RegisteredKey[], key: string): CommitSignature {
  const valid = matching.find(({ invalid }) => invalid === undefined);
  if (valid) return { state: "verified", signer: `${valid.owner} (${valid.name})` };
  const [first] = matching;
  return { state: "unverified", reason: first ? `${first.name} ${first.invalid}` : `${key} is not registered` };
}

function orUndefined<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    // A registered key nobody can parse verifies nothing; its own status is where that is told.
    return undefined;
  }
}
