import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, immutable, oneOf, organizationRef, Type, text } from "../../../schema.ts";

const spec = Type.Object(
  {
    organizationRef,
    owner: immutable(text(1024, "User whose commits the key signs.", { minLength: 1 })),
    key: immutable(
      Type.String({
        minLength: 64,
        maxLength: 65536,
        pattern: "^\\s*-----BEGIN PGP PUBLIC KEY BLOCK-----",
        description: "Public key as `gpg --export --armor` prints it; a private key never appears here.",
      }),
    ),
    title: Type.Optional(text(256, "Name shown to people.")),
    revoked: Type.Optional(
      Type.Boolean({ default: false, description: "Signatures with the key do not count any more." }),
    ),
  },
  { description: "Desired key." },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Pending", "Active", "Revoked", "Rejected"], { description: "One-word summary." })),
    fingerprint: Type.Optional(text(64, "Fingerprint of the primary key, hexadecimal.")),
  },
  { description: "Observed key." },
);

/** A public OpenPGP key that signs commits; beside SSHKey for rules of type require-signed-commits. */
export const GPGKey = defineConfigKind({
  kind: "GPGKey",
  plural: "gpgkeys",
  shortNames: ["gpg"],
  description: "A public OpenPGP key of a person, which signs commits.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Owner", type: "string", jsonPath: ".spec.owner" },
    { name: "Title", type: "string", jsonPath: ".spec.title" },
    { name: "Revoked", type: "boolean", jsonPath: ".spec.revoked" },
    { name: "Fingerprint", type: "string", jsonPath: ".status.fingerprint", priority: 1 },
  ],
  selectableFields: [".spec.owner", ".status.fingerprint"],
  conditions: {
    KeyValid: { description: "The key is well formed.", reasons: ["Valid", "ParseError"] },
    Ready: { description: "Signatures with the key count.", reasons: ["Active", "Revoked", "KeyInvalid"] },
  },
  roles: {
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
