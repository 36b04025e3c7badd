import { defineRecordKind } from "../../../define-kind.ts";
import { externalEnvelope } from "../../../external.ts";
import { labels } from "../../../labels.ts";
import {
  atomicList,
  commonStatus,
  identity,
  integer,
  nameOf,
  oneOf,
  organizationRef,
  setOf,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      repository: Type.Optional(nameOf("Repository", "Repository it belongs to; the organization when absent.")),
      title: text(256, "What is wanted, one line.", { minLength: 1 }),
      body: Type.Optional(text(65536, "The whole story, Markdown.")),
      labels: Type.Optional(
        setOf(text(100, "A label.", { minLength: 1 }), { maxItems: 100, description: "Free labels." }),
      ),
      assignees: Type.Optional(
        setOf(text(253, "User name.", { minLength: 1 }), { maxItems: 20, description: "Who works on it." }),
      ),
      milestone: Type.Optional(text(100, "Milestone.")),
      state: Type.Optional(oneOf(["open", "closed"], { description: "Set closed to close.", default: "open" })),
      closeReason: Type.Optional(
        oneOf(["completed", "not-planned", "duplicate"], { description: "Why it was closed." }),
      ),
      parentIssue: Type.Optional(nameOf("Issue", "Issue this one is part of.")),
    },
    { description: "What is wanted." },
  ),
  {
    rule: "has(self.repository) == has(oldSelf.repository) && (!has(self.repository) || self.repository == oldSelf.repository)",
    message: "repository is immutable",
    reason: "FieldValueForbidden",
  },
  {
    rule: "!has(self.closeReason) || (has(self.state) && self.state == 'closed')",
    message: "closeReason may not be specified unless state is closed",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    external: externalEnvelope,
    number: Type.Optional(integer("Number in the repository, shared with pull requests.", { minimum: 1 })),
    author: Type.Optional(identity("Who opened it.")),
    phase: Type.Optional(
      oneOf(["Triage", "Open", "Closed"], {
        description: "One-word summary; Triage: nobody has labelled or taken it.",
      }),
    ),
    comments: Type.Optional(integer("Number of comments.")),
    createdAt: Type.Optional(time("When it was opened.")),
    updatedAt: Type.Optional(time("When it last changed.")),
    closedAt: Type.Optional(time("When it was closed.")),
    closedBy: Type.Optional(text(1024, "Who closed it.")),
    linkedPullRequests: Type.Optional(
      atomicList(text(320, "Name of the PullRequest; namespace/name for one of another namespace."), {
        maxItems: 50,
        description: "Pull requests that close it when they are merged, or did.",
      }),
    ),
  },
  { description: "Observed issue." },
);

/** Something to be done (kinds.md §6.2). */
export const Issue = defineRecordKind({
  kind: "Issue",
  plural: "issues",
  shortNames: ["iss"],
  description: "Something to be done, in a repository or in the organization.",
  spec,
  status,
  printerColumns: [
    { name: "Number", type: "integer", jsonPath: ".status.number" },
    { name: "Title", type: "string", jsonPath: ".spec.title" },
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Author", type: "string", jsonPath: ".status.author.user" },
    { name: "Assignees", type: "string", jsonPath: ".spec.assignees" },
    { name: "Repository", type: "string", jsonPath: ".spec.repository", priority: 1 },
    { name: "Labels", type: "string", jsonPath: ".spec.labels", priority: 1 },
  ],
  selectableFields: [".spec.repository", ".spec.state", ".spec.milestone", ".status.phase", ".status.author.user"],
  mirroredLabels: {
    [labels.repository]: ".spec.repository",
    [labels.number]: ".status.number",
    [labels.phase]: ".status.phase",
    [labels.author]: ".status.author.user",
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch", "create", "update", "patch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
