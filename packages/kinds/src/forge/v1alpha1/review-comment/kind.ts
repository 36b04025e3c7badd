import { defineRecordKind } from "../../../define-kind.ts";
import { labels } from "../../../labels.ts";
import {
  commonStatus,
  identity,
  immutable,
  integer,
  nameOf,
  oneOf,
  organizationRef,
  setOf,
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
      review: Type.Optional(nameOf("Review", "Review the comment is part of.")),
      commitSha: immutable(sha("Commit the lines are of.")),
      path: immutable(text(1024, "File.", { minLength: 1 })),
      side: Type.Optional(
        immutable(
          oneOf(["old", "new"], { description: "Which version of the file the lines are of.", default: "new" }),
        ),
      ),
      line: Type.Optional(integer("Last line, from 1; the whole file when absent.", { minimum: 1 })),
      startLine: Type.Optional(integer("First line, when there are several.", { minimum: 1 })),
      body: text(65536, "The comment, Markdown.", { minLength: 1 }),
      replyTo: Type.Optional(nameOf("ReviewComment", "First comment of the thread.")),
      suggestion: Type.Optional(
        Type.Object({ text: text(65536, "The new lines.") }, { description: "What the lines should be instead." }),
      ),
      resolved: Type.Optional(Type.Boolean({ default: false, description: "The thread is settled." })),
      applySuggestion: Type.Optional(
        Type.Boolean({ default: false, description: "Set true to have the suggestion committed to the head branch." }),
      ),
      applyTogether: Type.Optional(
        setOf(nameOf("ReviewComment", "A comment of the same pull request with a suggestion."), {
          maxItems: 50,
          description: "Further suggestions that go into the same commit; set with applySuggestion.",
        }),
      ),
    },
    { description: "What is said about which lines." },
  ),
  ...setOnce("review", "line", "startLine", "replyTo"),
  {
    rule: "!has(self.startLine) || (has(self.line) && self.startLine <= self.line)",
    message: "startLine may not be after line",
  },
  {
    rule: "!(has(self.applySuggestion) && self.applySuggestion) || has(self.suggestion)",
    message: "applySuggestion may not be true without suggestion",
  },
  {
    rule: "!has(self.applyTogether) || (has(self.applySuggestion) && self.applySuggestion)",
    message: "applyTogether may not be specified unless applySuggestion is true",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    author: Type.Optional(identity("Who wrote it.")),
    phase: Type.Optional(oneOf(["Active", "Outdated", "Edited"], { description: "One-word summary." })),
    outdated: Type.Optional(Type.Boolean({ description: "The lines changed since, or their file is gone." })),
    position: Type.Optional(
      Type.Object(
        {
          commitSha: sha("Commit these are lines of."),
          path: text(1024, "File."),
          line: Type.Optional(integer("Last line, from 1; absent for a comment on the file.", { minimum: 1 })),
          startLine: Type.Optional(integer("First line, when there are several.", { minimum: 1 })),
        },
        {
          description:
            "Where the lines are now: they may have moved in their file, or with it. Absent when outdated: spec has where they were.",
        },
      ),
    ),
    createdAt: Type.Optional(time("When it was written.")),
    editedAt: Type.Optional(time("When it was last edited.")),
    resolvedBy: Type.Optional(text(1024, "Who settled the thread.")),
    appliedCommit: Type.Optional(sha("Commit that applied the suggestion.")),
    appliedBy: Type.Optional(identity("Who set applySuggestion: author of the commit.")),
  },
  { description: "Observed comment." },
);

/** A comment on lines of a pull request (kinds.md §6.4). */
export const ReviewComment = defineRecordKind({
  kind: "ReviewComment",
  plural: "reviewcomments",
  shortNames: ["rcom"],
  description: "A comment on lines of a pull request, with an optional suggestion.",
  spec,
  status,
  printerColumns: [
    { name: "Pull request", type: "string", jsonPath: ".spec.pullRequest" },
    { name: "Path", type: "string", jsonPath: ".spec.path" },
    { name: "Line", type: "integer", jsonPath: ".spec.line" },
    { name: "Author", type: "string", jsonPath: ".status.author.user" },
    { name: "Resolved", type: "boolean", jsonPath: ".spec.resolved" },
    { name: "Body", type: "string", jsonPath: ".spec.body", priority: 1 },
  ],
  selectableFields: [".spec.pullRequest", ".spec.path", ".spec.review", ".status.author.user"],
  mirroredLabels: { [labels.pullRequest]: ".spec.pullRequest", [labels.author]: ".status.author.user" },
  conditions: {
    SuggestionApplied: {
      description: "The suggestion is on the head branch.",
      reasons: [
        "Applied",
        "InProgress",
        "Outdated",
        "Overlapping",
        "NotASuggestion",
        "NoChange",
        "Forbidden",
        "BranchProtected",
        "PushRefused",
        "NotOpen",
        "HeadMissing",
      ],
    },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch", "create", "update", "patch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
