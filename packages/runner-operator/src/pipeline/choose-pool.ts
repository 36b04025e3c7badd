/** Which RunnerPool a Pipeline runs in: the second lock of design D12. Pure. */
import type { ObjectOf, RunnerPool } from "@krate/kinds";
import type { PipelineObject } from "./render-pipeline.ts";

export type PoolObject = ObjectOf<typeof RunnerPool>;

export type PoolChoice =
  | { pool: PoolObject }
  | { refused: "PoolMissing" | "ForkOnTrustedPool" | "RepositoryNotAllowed"; message: string };

const tierOf = (pool: PoolObject) => pool.spec.trustTier ?? "untrusted";

function allows(pool: PoolObject, repository: string): boolean {
  const allowed = pool.spec.allowedRepositories ?? [];
  if (allowed.length === 0) return tierOf(pool) === "untrusted";
  return allowed.includes("*") || allowed.includes(repository);
}

/** The pool the Pipeline names, else the first by name of its tier that lets the repository in. */
export function choosePool({ spec }: PipelineObject, pools: readonly PoolObject[]): PoolChoice {
  const tier = spec.trustTier ?? "untrusted";
  if (spec.runnerPool !== undefined) {
    const pool = pools.find(({ metadata }) => metadata.name === spec.runnerPool);
    if (!pool) return { refused: "PoolMissing", message: `RunnerPool ${spec.runnerPool} does not exist: create it` };
    if (tier === "untrusted" && tierOf(pool) === "trusted") {
      return {
        refused: "ForkOnTrustedPool",
        message: `untrusted code may not run in RunnerPool ${spec.runnerPool}, which is trusted`,
      };
    }
    if (!allows(pool, spec.repository)) {
      return {
        refused: "RepositoryNotAllowed",
        message: `RunnerPool ${spec.runnerPool} does not list repository ${spec.repository} in allowedRepositories`,
      };
    }
    return { pool };
  }
  const [first] = pools
    .filter((pool) => tierOf(pool) === tier && allows(pool, spec.repository))
    .toSorted((a, b) => (a.metadata.name ?? "").localeCompare(b.metadata.name ?? "", "en"));
  if (first) return { pool: first };
  return {
    refused: "PoolMissing",
    message: `no ${tier} RunnerPool lets repository ${spec.repository} in: create one, or name one in Repository.spec.ci`,
  };
}
