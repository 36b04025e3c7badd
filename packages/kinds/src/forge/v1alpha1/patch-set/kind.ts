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
      repository: nameOf("Repository", "Repository of the pull request."),
      pullRequest: nameOf("PullRequest"),
      number: integer("1 for what the pull request was opened with, one more for each push of the head.", {
        minimum: 1,
      }),
      kind: oneOf(["Opened", "NewCommits", "Rebase", "Amend"], {
        description:
          "NewCommits: the former head is an ancestor; Rebase: the same change from another merge base; Amend: rewritten in another way.",
      }),
      headSha: sha("Commit of the head."),
      previousHeadSha: Type.Optional(sha("Head before; absent for the first one.")),
      baseSha: sha("Commit of the base branch when this was recorded."),
      mergeBaseSha: Type.Optional(sha("Best common ancestor of head and base; absent for unrelated histories.")),
      pushedAt: time("When it was pushed."),
      pusher: Type.Optional(text(1024, "Kubernetes user who pushed; absent when no event tells.")),
      gitEvent: Type.Optional(nameOf("GitEvent", "The push, kept as long as GitEvents are.")),
      ref: text(255, "Ref that keeps the head, to fetch it by."),
      commits: integer("Commits since the merge base."),
      rangeDiff: Type.Optional(
        atomicList(text(512, "One line."), {
          maxItems: 100,
          description:
            "What became of each commit since the patch set before, as git range-diff has it: = the same, ! changed, < gone, > new.",
        }),
      ),
    },
    { description: "One state of the head of a pull request." },
  ),
  { rule: "self == oldSelf", message: "is immutable: patch sets are history", reason: "FieldValueForbidden" },
);

const status = Type.Object({ ...commonStatus }, { description: "Nothing is observed about a patch set." });

/** One push of the head of a pull request (docs/decisions/0106). Written by repository-operator only. */
export const PatchSet = defineRecordKind({
  kind: "PatchSet",
  plural: "patchsets",
  shortNames: ["ps"],
  description: "One state of the head of a pull request: what was pushed, by whom, and what it changed.",
  spec,
  status,
  printerColumns: [
    { name: "Pull request", type: "string", jsonPath: ".spec.pullRequest" },
    { name: "Number", type: "integer", jsonPath: ".spec.number" },
    { name: "Kind", type: "string", jsonPath: ".spec.kind" },
    { name: "Head", type: "string", jsonPath: ".spec.headSha" },
    { name: "Commits", type: "integer", jsonPath: ".spec.commits" },
    { name: "Pusher", type: "string", jsonPath: ".spec.pusher" },
    { name: "Merge base", type: "string", jsonPath: ".spec.mergeBaseSha", priority: 1 },
    { name: "Ref", type: "string", jsonPath: ".spec.ref", priority: 1 },
  ],
  selectableFields: [".spec.pullRequest", ".spec.repository", ".spec.headSha", ".spec.pusher"],
  mirroredLabels: { [labels.pullRequest]: ".spec.pullRequest", [labels.repository]: ".spec.repository" },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch"],
  },
  appendOnly: true,
});
