import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, immutable, mapOf, oneOf, organizationRef, Type, text } from "../../../schema.ts";

const prefix = (example: string, description: string) =>
  Type.Optional(Type.String({ maxLength: 30, pattern: "^[a-z]([-a-z0-9]*)$", default: example, description }));

const spec = Type.Object(
  {
    organizationRef,
    namespace: immutable(
      Type.String({
        minLength: 1,
        maxLength: 63,
        pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        description: "Namespace bound to the organization; one binding per organization and per namespace.",
      }),
    ),
    createNamespace: Type.Optional(Type.Boolean({ default: true, description: "Create the namespace when missing." })),
    labels: Type.Optional(
      mapOf(text(63, "Value of the label."), { description: "Labels put on the namespace.", maxProperties: 32 }),
    ),
    serviceAccountPolicy: Type.Optional(
      Type.Object(
        {
          defaultRunnerPrefix: prefix("runner-", "Names of runner ServiceAccounts start with this."),
          defaultAgentPrefix: prefix("agent-", "Names of agent ServiceAccounts start with this."),
        },
        {
          description: "How ServiceAccounts are named.",
          default: {},
        },
      ),
    ),
  },
  { description: "Desired binding." },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Pending", "Bound", "Conflict"], { description: "One-word summary." })),
  },
  { description: "Observed binding." },
);

/** Ties a namespace to an organization (kinds.md §4.2); product objects are refused in unbound namespaces (C-26). */
export const OrgNamespaceBinding = defineConfigKind({
  kind: "OrgNamespaceBinding",
  plural: "orgnamespacebindings",
  shortNames: ["orgnb"],
  description: "Ties one namespace to one organization.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Organization", type: "string", jsonPath: ".spec.organizationRef" },
    { name: "Namespace", type: "string", jsonPath: ".spec.namespace" },
  ],
  selectableFields: [".spec.organizationRef", ".spec.namespace"],
  conditions: {
    NamespaceReady: {
      description: "The namespace exists and is labelled with the organization.",
      reasons: ["NamespaceCreated", "NamespaceAdopted", "NamespaceMissing", "NamespaceConflict"],
    },
    Ready: { description: "The namespace belongs to the organization.", reasons: ["Bound", "Conflict", "Pending"] },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch"],
  },
});
