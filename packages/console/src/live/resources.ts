/** Lists the browser may watch: their kind, their row, and the filters they take. */
import "server-only";
import { Job, type KindRef, Pipeline, PullRequest, Repository } from "@krate/kinds";
import { jobRow, pipelineRow, pullRequestRow, type Row, repositoryRow } from "./rows.ts";

export interface LiveResource {
  kind: KindRef;
  row(object: never): Row;
  /** Query parameter → field selector. */
  filters: Readonly<Record<string, string>>;
}

const byName = { name: "metadata.name" };

export const liveResources: Readonly<Record<string, LiveResource>> = {
  repositories: { kind: Repository, row: repositoryRow, filters: byName },
  pullrequests: { kind: PullRequest, row: pullRequestRow, filters: { ...byName, repository: "spec.repository" } },
  pipelines: {
    kind: Pipeline,
    row: pipelineRow,
    filters: { ...byName, repository: "spec.repository", pullRequest: "spec.pullRequest" },
  },
  jobs: { kind: Job, row: jobRow, filters: { ...byName, pipeline: "spec.pipeline" } },
};

/** The field selector of a request's query. Values are names, so nothing in them can add a term. */
export function fieldSelectorOf(resource: LiveResource, query: URLSearchParams): string | undefined {
  const terms = Object.entries(resource.filters).flatMap(([parameter, path]) => {
    const value = query.get(parameter);
    return value && /^[A-Za-z0-9._-]+$/.test(value) ? [`${path}=${value}`] : [];
  });
  return terms.length > 0 ? terms.join(",") : undefined;
}
