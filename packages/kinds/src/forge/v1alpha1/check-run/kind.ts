import { defineRecordKind } from "../../../define-kind.ts";
import { labels } from "../../../labels.ts";
import {
  atomicList,
  commonStatus,
  immutable,
  integer,
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
      repository: immutable(nameOf("Repository")),
      sha: immutable(sha("Commit the check is about.")),
      name: immutable(
        text(253, "Name that BranchProtection.spec.requiredChecks refers to; unique per repository and commit.", {
          minLength: 1,
        }),
      ),
      pipeline: Type.Optional(nameOf("Pipeline", "Pipeline that reports it.")),
      detailsUrl: Type.Optional(
        Type.String({ maxLength: 2048, pattern: "^https?://", description: "Page with the details." }),
      ),
    },
    { description: "What was checked." },
  ),
  ...setOnce("pipeline"),
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Queued", "InProgress", "Completed"], { description: "Where the check is." })),
    conclusion: Type.Optional(
      oneOf(["success", "failure", "neutral", "cancelled", "skipped", "timed-out", "action-required"], {
        description: "Outcome of a completed check; success, neutral and skipped let a merge pass.",
      }),
    ),
    startedAt: Type.Optional(time("When it started.")),
    completedAt: Type.Optional(time("When it completed.")),
    summary: Type.Optional(text(65536, "What was found, Markdown.")),
    annotations: Type.Optional(
      atomicList(
        Type.Object(
          {
            path: text(1024, "File."),
            line: Type.Optional(integer("Line, from 1.", { minimum: 1 })),
            level: oneOf(["notice", "warning", "failure"], { description: "How bad it is." }),
            message: text(4096, "What was found."),
          },
          { description: "One finding." },
        ),
        { maxItems: 50, description: "Findings by file and line." },
      ),
    ),
  },
  { description: "Outcome." },
);

/** One named verdict on one commit (kinds.md §7.4, RUN-19). */
export const CheckRun = defineRecordKind({
  kind: "CheckRun",
  plural: "checkruns",
  shortNames: ["chk"],
  description: "One named verdict on one commit; required checks gate merging.",
  spec,
  status,
  printerColumns: [
    { name: "Check", type: "string", jsonPath: ".spec.name" },
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Conclusion", type: "string", jsonPath: ".status.conclusion" },
    { name: "Repository", type: "string", jsonPath: ".spec.repository" },
    { name: "Commit", type: "string", jsonPath: ".spec.sha", priority: 1 },
    { name: "Pipeline", type: "string", jsonPath: ".spec.pipeline", priority: 1 },
  ],
  selectableFields: [
    ".spec.repository",
    ".spec.sha",
    ".spec.name",
    ".spec.pipeline",
    ".status.phase",
    ".status.conclusion",
  ],
  mirroredLabels: {
    [labels.repository]: ".spec.repository",
    [labels.pipeline]: ".spec.pipeline",
    [labels.phase]: ".status.phase",
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
