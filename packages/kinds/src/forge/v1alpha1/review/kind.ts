import { defineRecordKind } from "../../../define-kind.ts";
import { externalEnvelope } from "../../../external.ts";
import { labels } from "../../../labels.ts";
import {
  atomicList,
  commonStatus,
  identity,
  immutable,
  nameOf,
  oneOf,
  organizationRef,
  setOnce,
  sha,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      pullRequest: immutable(nameOf("PullRequest")),
      decision: immutable(
        oneOf(["approve", "request-changes", "comment"], { description: "What the reviewer says about merging." }),
      ),
      body: Type.Optional(text(65536, "Why, Markdown.")),
      commitSha: Type.Optional(sha("Commit that was reviewed; the head of the pull request when absent.")),
      dismissed: Type.Optional(
        Type.Boolean({ default: false, description: "The review does not count any more; set by a maintainer." }),
      ),
      dismissReason: Type.Optional(text(1024, "Why it was dismissed.")),
    },
    { description: "What the reviewer decided." },
  ),
  ...setOnce("body", "commitSha"),
  {
    rule: "!(has(oldSelf.dismissed) && oldSelf.dismissed) || (has(self.dismissed) && self.dismissed)",
    message: "a dismissed review stays dismissed: create a new review",
    reason: "FieldValueForbidden",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    external: externalEnvelope,
    phase: Type.Optional(
      oneOf(["Submitted", "Stale", "Dismissed"], {
        description: "One-word summary; Stale: the head moved and the approval does not count any more.",
      }),
    ),
    author: Type.Optional(identity("Who reviewed.")),
    authorTeams: Type.Optional(
      atomicList(text(253, "A Team."), { maxItems: 100, description: "Teams of the reviewer at that time." }),
    ),
    submittedAt: Type.Optional(time("When it was submitted.")),
    dismissedBy: Type.Optional(text(1024, "Who dismissed it.")),
  },
  { description: "Observed review." },
);

/** One person's verdict on a pull request (kinds.md §6.3). */
export const Review = defineRecordKind({
  kind: "Review",
  plural: "reviews",
  shortNames: ["rev"],
  description: "One person's verdict on one commit of a pull request.",
  spec,
  status,
  printerColumns: [
    { name: "Pull request", type: "string", jsonPath: ".spec.pullRequest" },
    { name: "Author", type: "string", jsonPath: ".status.author.user" },
    { name: "Decision", type: "string", jsonPath: ".spec.decision" },
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Commit", type: "string", jsonPath: ".spec.commitSha", priority: 1 },
  ],
  selectableFields: [".spec.pullRequest", ".spec.decision", ".status.phase", ".status.author.user"],
  mirroredLabels: {
    [labels.pullRequest]: ".spec.pullRequest",
    [labels.phase]: ".status.phase",
    [labels.author]: ".status.author.user",
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch", "create", "update", "patch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
