import { defineConfigKind } from "../../../define-kind.ts";
import {
  atomicList,
  commonStatus,
  integer,
  nameOf,
  oneOf,
  organizationRef,
  Type,
  text,
  withRules,
} from "../../../schema.ts";
import { ownerField, queryFields, sortList } from "../selector/query.ts";

const spec = Type.Object(
  {
    organizationRef,
    displayName: Type.Optional(text(256, "Name shown to people.")),
    type: Type.Optional(oneOf(["inbox", "list", "dashboard"], { description: "How it is shown.", default: "list" })),
    selector: withRules(
      Type.Object(
        { ref: Type.Optional(nameOf("Selector")), ...queryFields },
        { description: "What is shown: a Selector by name, or a query of its own." },
      ),
      {
        rule: "has(self.ref) != (has(self.labels) || has(self.query) || has(self.kinds))",
        message: "either ref, or some of labels, query and kinds must be specified",
      },
    ),
    columns: Type.Optional(
      atomicList(text(253, "A column, by name or JSON path.", { minLength: 1 }), {
        maxItems: 20,
        description: "Columns; those of `kubectl get` when absent.",
      }),
    ),
    sort: Type.Optional(sortList),
    layout: Type.Optional(
      Type.Object(
        {
          cards: atomicList(
            Type.Object(
              {
                title: text(256, "Title of the card.", { minLength: 1 }),
                selector: nameOf("Selector"),
                width: Type.Optional(integer("Width in columns of twelve.", { minimum: 1, maximum: 12, default: 4 })),
              },
              { description: "One card." },
            ),
            { maxItems: 24, description: "Cards, in order." },
          ),
        },
        { description: "Cards of a dashboard." },
      ),
    ),
    owner: ownerField,
    default: Type.Optional(Type.Boolean({ default: false, description: "Shown first." })),
  },
  { description: "What is shown." },
);

const status = Type.Object({ ...commonStatus }, { description: "Observed view." });

/** A saved screen over a query (kinds.md §9.2, PER-06). */
export const View = defineConfigKind({
  kind: "View",
  plural: "views",
  description: "A saved screen: a query with columns and order, shared by committing it.",
  spec,
  status,
  printerColumns: [
    { name: "Display name", type: "string", jsonPath: ".spec.displayName" },
    { name: "Type", type: "string", jsonPath: ".spec.type" },
    { name: "Selector", type: "string", jsonPath: ".spec.selector.ref" },
    { name: "Query", type: "string", jsonPath: ".spec.selector.query" },
    { name: "Owner", type: "string", jsonPath: ".spec.owner.name", priority: 1 },
  ],
  selectableFields: [".spec.owner.name", ".spec.type"],
  conditions: {
    Valid: { description: "The query can be shown.", reasons: ["Valid", "ParseError", "SelectorMissing"] },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
