/** Status of a registered SSH key: pure. What opens repositories is decided by git-gateway, from the same facts. */
import { type ConditionInput, isFalse, isTrue, type ObjectOf, type SSHKey } from "@krate/kinds";
import { readSshPublicKey, WeakSshKeyError } from "@krate/pki/ssh";

export type SSHKeyObject = ObjectOf<typeof SSHKey>;
export type SSHKeyStatus = NonNullable<SSHKeyObject["status"]>;

export interface PlannedKeyStatus {
  status: { phase: SSHKeyStatus["phase"]; fingerprint: string | undefined };
  conditions: ConditionInput[];
}

/** Where a key is registered, and which one it is; nothing for one that cannot be read. */
export function keyIdentity({ metadata, spec }: SSHKeyObject): string[] {
  const key = keyOf(spec.key);
  return "fingerprint" in key ? [`${metadata.namespace} ${key.fingerprint}`] : [];
}

/** `others`: keys of the namespace with the same fingerprint. The first of them counts; even revoked it keeps its key from coming back. */
export function planKeyStatus(key: SSHKeyObject, others: readonly SSHKeyObject[]): PlannedKeyStatus {
  const read = keyOf(key.spec.key);
  const [first] = [key, ...others].sort(byAge);
  const duplicate = first && first.metadata.uid !== key.metadata.uid ? first : undefined;
  const valid =
    "problem" in read
      ? isFalse("KeyValid", read.reason, read.problem)
      : duplicate
        ? isFalse(
            "KeyValid",
            "DuplicateFingerprint",
            `SSHKey "${duplicate.metadata.name}" is the same key: delete one of them`,
          )
        : isTrue("KeyValid", "Valid");
  const isValid = valid.status === "True";
  const revoked = key.spec.revoked === true;
  return {
    status: {
      phase: !isValid ? "Rejected" : revoked ? "Revoked" : "Active",
      fingerprint: "fingerprint" in read ? read.fingerprint : undefined,
    },
    conditions: [
      valid,
      isTrue("BackendSynced", "NotRequired", "the gateway reads keys from the API server"),
      !isValid
        ? isFalse("Ready", "KeyInvalid", valid.message)
        : revoked
          ? isFalse("Ready", "Revoked", "spec.revoked is true: the key opens nothing")
          : isTrue("Ready", "Active"),
    ],
  };
}

function keyOf(line: string): { fingerprint: string } | { reason: "ParseError" | "WeakKey"; problem: string } {
  try {
    return { fingerprint: readSshPublicKey(line).fingerprint };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { reason: error instanceof WeakSshKeyError ? "WeakKey" : "ParseError", problem };
  }
}

/** By age; of the same second, to which Kubernetes tells it, the one whose status is set was there first. */
function byAge(a: SSHKeyObject, b: SSHKeyObject): number {
  const order = ({ metadata, status }: SSHKeyObject) => {
    const isKnown = status?.phase === "Active" || status?.phase === "Revoked";
    return `${metadata.creationTimestamp ?? ""} ${isKnown ? 0 : 1} ${metadata.name ?? ""}`;
  };
  return order(a) < order(b) ? -1 : 1;
}
