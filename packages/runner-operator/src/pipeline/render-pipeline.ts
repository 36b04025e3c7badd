/** An event and the workflow files of its commit → the Pipelines it makes. Pure. */
import { createHash } from "node:crypto";
import type { ObjectOf, Pipeline } from "@krate/kinds";
import { matchesTrigger, parseWorkflow, type Workflow, WorkflowError, type WorkflowEvent } from "@krate/workflow";
import type { WorkflowFile } from "../git/content.ts";

export type PipelineObject = ObjectOf<typeof Pipeline>;

export interface PipelineCause {
  organization: string;
  namespace: string;
  repository: string;
  ref: string;
  sha: string;
  /** Equal causes have equal keys: the same Pipeline is never made twice. */
  key: string;
  event: WorkflowEvent;
  actor: string;
  gitEvent?: string;
  pullRequest?: string;
}

export interface NewPipeline {
  metadata: { name: string; namespace: string };
  spec: PipelineObject["spec"];
}

/** Names are at most 63 characters, so that they fit label values and what is made from them. */
const maxPrefixLength = 40;

const slug = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");

export const shortHash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 8);

/** `.krate/workflows/ci.yaml` → `ci`. */
export const workflowBaseName = (path: string) => (path.split("/").at(-1) ?? path).replace(/\.ya?ml$/, "");

export function pipelineName(cause: Pick<PipelineCause, "repository" | "key">, path: string): string {
  const prefix = slug(`${cause.repository}-${workflowBaseName(path)}`)
    .slice(0, maxPrefixLength)
    .replace(/-+$/, "");
  return `${prefix}-${shortHash(`${cause.key}\n${path}`)}`;
}

function parse(file: WorkflowFile): Workflow | undefined {
  try {
    return parseWorkflow(file.text, file.path);
  } catch (error) {
    if (error instanceof WorkflowError) return undefined;
    throw error;
  }
}

/** One per file the event starts. A file that cannot be read makes one too: its Pipeline says what is wrong with it. */
export function renderPipelines(cause: PipelineCause, files: readonly WorkflowFile[]): NewPipeline[] {
  return files.flatMap((file) => {
    const workflow = parse(file);
    if (workflow && !matchesTrigger(workflow, cause.event)) return [];
    // A broken file could be meant for any event; pushes and candidates report it, so that it is said once.
    if (!workflow && cause.event.name !== "push" && cause.event.name !== "merge_group") return [];
    return [
      {
        metadata: { name: pipelineName(cause, file.path), namespace: cause.namespace },
        spec: {
          organizationRef: cause.organization,
          repository: cause.repository,
          ref: cause.ref,
          sha: cause.sha,
          workflow: file.path,
          workflowName: (workflow?.name ?? workflowBaseName(file.path)).slice(0, 253),
          ...(cause.pullRequest && { pullRequest: cause.pullRequest }),
          trigger: {
            event: cause.event.name,
            actor: cause.actor,
            ...(cause.gitEvent && { gitEvent: cause.gitEvent }),
          },
        },
      },
    ];
  });
}
