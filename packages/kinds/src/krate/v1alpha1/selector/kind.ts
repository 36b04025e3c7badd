import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, organizationRef, Type, text, withRules } from "../../../schema.ts";
import { ownerField, queryFields } from "./query.ts";

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      displayName: Type.Optional(text(256, "Name shown to people.")),
      ...queryFields,
      owner: ownerField,
    },
    { description: "What is looked for." },
  ),
  {
    rule: "has(self.labels) || has(self.query) || has(self.kinds)",
    message: "at least one of labels, query and kinds must be specified",
    reason: "FieldValueRequired",
  },
);

const status = Type.Object({ ...commonStatus }, { description: "Observed query." });

/** A query people share (kinds.md §9.1). */
export const Selector = defineConfigKind({
  kind: "Selector",
  plural: "selectors",
  description: "A query over pull requests, issues and pipelines that people share.",
  spec,
  status,
  printerColumns: [
    { name: "Display name", type: "string", jsonPath: ".spec.displayName" },
    { name: "Query", type: "string", jsonPath: ".spec.query" },
    { name: "Kinds", type: "string", jsonPath: ".spec.kinds" },
    { name: "Owner", type: "string", jsonPath: ".spec.owner.name", priority: 1 },
  ],
  selectableFields: [".spec.owner.name"],
  conditions: { Valid: { description: "The query can be parsed.", reasons: ["Valid", "ParseError"] } },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
