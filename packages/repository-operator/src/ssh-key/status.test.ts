import { expect, test } from "@jest/globals";
import { createSshKey, formatSshPublicKey, readSshPublicKey, sshString } from "@krate/pki/ssh";
import { planKeyStatus, type SSHKeyObject } from "./status.ts";

const line = formatSshPublicKey(createSshKey("ada").blob, "ada");
const { fingerprint } = readSshPublicKey(line);
const rsa = (bits: number) =>
  formatSshPublicKey(
    Buffer.concat([sshString("ssh-rsa"), sshString(Buffer.from([1, 0, 1])), sshString(Buffer.alloc(bits / 8, 0x5b))]),
  );

function key(name: string, spec: object = {}, creationTimestamp = "2026-01-01T00:00:00Z"): SSHKeyObject {
  return {
    metadata: { namespace: "acme", name, uid: `uid-${name}`, creationTimestamp },
    spec: { organizationRef: "acme", scope: "user", owner: "ada", key: line, ...spec },
  } as SSHKeyObject;
}

const mine = key("b");
const ready = ["KeyValid=True/Valid", "BackendSynced=True/NotRequired", "Ready=True/Active"];
const rejected = (reason: string) => [
  `KeyValid=False/${reason}`,
  "BackendSynced=True/NotRequired",
  "Ready=False/KeyInvalid",
];

test.each([
  { reason: "a good key", object: mine, others: [], phase: "Active", fingerprint, conditions: ready },
  {
    reason: "a revoked key",
    object: key("b", { revoked: true }),
    others: [],
    phase: "Revoked",
    fingerprint,
    conditions: [...ready.slice(0, 2), "Ready=False/Revoked"],
  },
  {
    reason: "no key",
    object: key("b", { key: "ssh-ed25519 AAAA" }),
    others: [],
    phase: "Rejected",
    fingerprint: undefined,
    conditions: rejected("ParseError"),
  },
  {
    reason: "a weak key",
    object: key("b", { key: rsa(1024) }),
    others: [],
    phase: "Rejected",
    fingerprint: undefined,
    conditions: rejected("WeakKey"),
  },
  {
    reason: "an older key is the same",
    object: mine,
    others: [key("z", { owner: "bob" }, "2025-01-01T00:00:00Z")],
    phase: "Rejected",
    fingerprint,
    conditions: rejected("DuplicateFingerprint"),
  },
  {
    reason: "an older, revoked key is the same: what was revoked does not come back under another name",
    object: mine,
    others: [key("a", { revoked: true })],
    phase: "Rejected",
    fingerprint,
    conditions: rejected("DuplicateFingerprint"),
  },
  {
    reason: "a key of the same second is the same and was judged before",
    object: mine,
    others: [{ ...key("c", { revoked: true }), status: { phase: "Revoked" } } as SSHKeyObject],
    phase: "Rejected",
    fingerprint,
    conditions: rejected("DuplicateFingerprint"),
  },
  {
    reason: "younger keys are the same",
    object: mine,
    others: [key("c"), key("a", {}, "2026-01-02T00:00:00Z")],
    phase: "Active",
    fingerprint,
    conditions: ready,
  },
])("$reason", ({ object, others, phase, fingerprint: print, conditions }) => {
  const planned = planKeyStatus(object, others);
  expect(planned.status).toEqual({ phase, fingerprint: print });
  expect(planned.conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`)).toEqual(conditions);
});
