import { defineConfigKind } from "../../../define-kind.ts";
import {
  commonStatus,
  immutable,
  nameOf,
  oneOf,
  organizationRef,
  setOnce,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      scope: immutable(
        oneOf(["user", "deploy", "automation", "argocd"], {
          description: "user: a person's key; deploy: one repository; automation and argocd: machines.",
        }),
      ),
      key: immutable(
        Type.String({
          minLength: 16,
          maxLength: 16384,
          pattern: "^(ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\\n]*)?$",
          description: "Public key, one line in the form of authorized_keys; a private key never appears here.",
        }),
      ),
      owner: Type.Optional(text(1024, "User the key acts as.")),
      repository: Type.Optional(nameOf("Repository", "The only repository of a deploy key.")),
      title: Type.Optional(text(256, "Name shown to people.")),
      readOnly: Type.Optional(
        Type.Boolean({ description: "Fetching only; true for scopes deploy and argocd when absent." }),
      ),
      revoked: Type.Optional(Type.Boolean({ default: false, description: "The key opens nothing any more." })),
    },
    { description: "Desired key." },
  ),
  ...setOnce("repository", "owner"),
  {
    rule: "self.scope != 'deploy' || has(self.repository)",
    message: "repository is required for scope deploy",
    reason: "FieldValueRequired",
  },
  {
    rule: "self.scope != 'user' || has(self.owner)",
    message: "owner is required for scope user",
    reason: "FieldValueRequired",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Pending", "Active", "Revoked", "Rejected"], { description: "One-word summary." })),
    fingerprint: Type.Optional(text(100, "SHA256:… of the key.")),
    backendKeyId: Type.Optional(text(253, "Identity of the key in the storage backend.")),
    lastUsedAt: Type.Optional(time("When the key was last used, to the hour.")),
  },
  { description: "Observed key." },
);

/** A public SSH key (kinds.md §5.2). */
export const SSHKey = defineConfigKind({
  kind: "SSHKey",
  plural: "sshkeys",
  shortNames: ["ssh"],
  description: "A public SSH key of a person, a repository or a machine.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Scope", type: "string", jsonPath: ".spec.scope" },
    { name: "Owner", type: "string", jsonPath: ".spec.owner" },
    { name: "Repository", type: "string", jsonPath: ".spec.repository" },
    { name: "Fingerprint", type: "string", jsonPath: ".status.fingerprint", priority: 1 },
    { name: "Last used", type: "date", jsonPath: ".status.lastUsedAt", priority: 1 },
  ],
  selectableFields: [".spec.owner", ".spec.repository", ".spec.scope", ".status.fingerprint"],
  conditions: {
    KeyValid: {
      description: "The key is well formed, strong enough and not used elsewhere.",
      reasons: ["Valid", "ParseError", "WeakKey", "DuplicateFingerprint"],
    },
    BackendSynced: { description: "The backend accepts the key.", reasons: ["Synced", "NotRequired", "SyncFailed"] },
    Ready: { description: "The key opens its repositories.", reasons: ["Active", "Revoked", "KeyInvalid"] },
  },
  roles: {
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
