import { defineRecordKind } from "../../../define-kind.ts";
import { labels } from "../../../labels.ts";
import {
  commonStatus,
  identity,
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
      target: immutable(
        Type.Object(
          {
            kind: oneOf(["Issue", "PullRequest"], { description: "What is commented." }),
            name: text(253, "Name of the Issue or PullRequest.", { minLength: 1 }),
          },
          { description: "What is commented." },
        ),
      ),
      body: text(65536, "The comment, Markdown.", { minLength: 1 }),
      replyTo: Type.Optional(nameOf("IssueComment", "Comment this one answers.")),
    },
    { description: "What is said." },
  ),
  ...setOnce("replyTo"),
);

const status = Type.Object(
  {
    ...commonStatus,
    author: Type.Optional(identity("Who wrote it.")),
    phase: Type.Optional(oneOf(["Active", "Edited"], { description: "One-word summary." })),
    createdAt: Type.Optional(time("When it was written.")),
    editedAt: Type.Optional(time("When it was last edited.")),
  },
  { description: "Observed comment." },
);

/** A comment on an issue or pull request as a whole (kinds.md §6.4). */
export const IssueComment = defineRecordKind({
  kind: "IssueComment",
  plural: "issuecomments",
  shortNames: ["icom"],
  description: "A comment on an issue or a pull request as a whole.",
  spec,
  status,
  printerColumns: [
    { name: "Target", type: "string", jsonPath: ".spec.target.name" },
    { name: "Author", type: "string", jsonPath: ".status.author.user" },
    { name: "Body", type: "string", jsonPath: ".spec.body" },
    { name: "Kind", type: "string", jsonPath: ".spec.target.kind", priority: 1 },
    { name: "Reply to", type: "string", jsonPath: ".spec.replyTo", priority: 1 },
  ],
  selectableFields: [".spec.target.name", ".spec.target.kind", ".status.author.user"],
  mirroredLabels: { [labels.author]: ".status.author.user" },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch", "create", "update", "patch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
