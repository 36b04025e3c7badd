import { defineRecordKind } from "../../../define-kind.ts";
import { labels } from "../../../labels.ts";
import {
  atomicList,
  commonStatus,
  integer,
  nameOf,
  oneOf,
  organizationRef,
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
      repository: nameOf("Repository", "Repository that was pushed to."),
      ref: text(255, "Full ref name.", { minLength: 1 }),
      oldSha: sha("Commit before; all zeros when the ref was created."),
      newSha: sha("Commit after; all zeros when the ref was deleted."),
      action: oneOf(["create", "update", "delete", "force-update"], { description: "What happened to the ref." }),
      decision: oneOf(["Accepted", "Rejected", "AuditWarned"], {
        description: "Outcome; AuditWarned: accepted although a rule in audit mode was violated.",
      }),
      rules: Type.Optional(
        atomicList(
          Type.Object(
            {
              policy: text(320, "Kind and name of the policy, such as RefPolicy/org-defaults."),
              rule: text(253, "Name of the rule."),
              decision: oneOf(["Allowed", "Denied", "Audit", "Bypassed"], { description: "What the rule said." }),
              message: Type.Optional(text(1024, "What the person who pushed was told.")),
              remedy: Type.Optional(text(1024, "What to do about it.")),
            },
            { description: "One rule that had something to say." },
          ),
          { maxItems: 200, description: "Rules that had something to say." },
        ),
      ),
      actor: Type.Object(
        {
          user: text(1024, "Kubernetes user name."),
          groups: Type.Optional(atomicList(text(1024, "A group."), { maxItems: 256, description: "Groups." })),
          serviceAccount: Type.Optional(text(320, "namespace/name, when the user is a ServiceAccount.")),
        },
        { description: "Who pushed." },
      ),
      transport: oneOf(["http", "ssh", "api"], { description: "How it came in." }),
      backend: Type.Optional(text(253, "Storage backend that holds the repository.")),
      correlationId: Type.Optional(text(253, "The push: equal for all refs of one push.")),
      pullRequest: Type.Optional(nameOf("PullRequest", "PullRequest that was merged by this update.")),
      commits: Type.Optional(integer("New commits.")),
      commitSummaries: Type.Optional(
        atomicList(
          Type.Object(
            {
              sha: sha("Commit."),
              title: text(1024, "First line of the message."),
              author: Type.Optional(text(1024, "Author, `Name <mail>`.")),
              at: Type.Optional(time("Author date.")),
            },
            { description: "One commit." },
          ),
          { maxItems: 20, description: "Newest new commits, at most 20, newest first." },
        ),
      ),
      receivedAt: time("When the update was judged."),
      evaluationMs: Type.Optional(Type.Number({ minimum: 0, description: "Time the rules took, milliseconds." })),
    },
    { description: "What happened to one ref." },
  ),
  { rule: "self == oldSelf", message: "is immutable: events are never changed", reason: "FieldValueForbidden" },
);

const status = Type.Object({ ...commonStatus }, { description: "Nothing is observed about an event." });

/** One ref update, accepted or refused (kinds.md §6.5): source of pipelines, deliveries, counters and audit. Append-only. */
export const GitEvent = defineRecordKind({
  kind: "GitEvent",
  plural: "gitevents",
  shortNames: ["gev"],
  description: "One update of one ref, accepted or refused, with the rules that judged it.",
  spec,
  status,
  printerColumns: [
    { name: "Repository", type: "string", jsonPath: ".spec.repository" },
    { name: "Ref", type: "string", jsonPath: ".spec.ref" },
    { name: "Action", type: "string", jsonPath: ".spec.action" },
    { name: "Decision", type: "string", jsonPath: ".spec.decision" },
    { name: "Actor", type: "string", jsonPath: ".spec.actor.user" },
    { name: "New", type: "string", jsonPath: ".spec.newSha", priority: 1 },
    {
      name: "Rule",
      type: "string",
      jsonPath: ".spec.rules[0].rule",
      description: "First rule that had something to say.",
      priority: 1,
    },
  ],
  selectableFields: [".spec.repository", ".spec.ref", ".spec.newSha", ".spec.decision", ".spec.actor.user"],
  mirroredLabels: { [labels.repository]: ".spec.repository" },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch"],
  },
  retentionDays: 90,
  appendOnly: true,
});
