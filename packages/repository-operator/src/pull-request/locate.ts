/** Where head and base of a pull request are: pure look-ups in what the API server says. */
import type { ObjectOf, Repository } from "@krate/kinds";
import type { PullRequestObject, Unresolved } from "./status.ts";

export type RepositoryObject = ObjectOf<typeof Repository>;

export interface LocatedBranch {
  repository: { namespace: string; name: string };
  /** Full ref name. */
  ref: string;
}

export interface LocatedPullRequest {
  repository: RepositoryObject;
  base: LocatedBranch;
  head: LocatedBranch;
  fork: boolean;
}

export interface RepositoryLookup {
  get(key: { namespace: string; name: string }): RepositoryObject | undefined;
  /** By organization: a fork may be in the namespace of another one. */
  ofOrganization(organization: string, name: string): RepositoryObject | undefined;
}

export function locate(
  { metadata, spec }: PullRequestObject,
  repositories: RepositoryLookup,
): LocatedPullRequest | Unresolved {
  const namespace = metadata.namespace ?? "";
  const repository = repositories.get({ namespace, name: spec.repository });
  if (!repository) return missing(`repository "${spec.repository}" does not exist`);
  const own = { namespace, name: spec.repository };
  const base = { repository: own, ref: branchRef(spec.base ?? repository.spec.defaultBranch ?? "main") };
  const from = spec.headRepository;
  const isFork = from !== undefined && !(from.organization === spec.organizationRef && from.name === spec.repository);
  if (!isFork) return { repository, base, head: { repository: own, ref: branchRef(spec.head) }, fork: false };

  const fork = repositories.ofOrganization(from.organization, from.name);
  const label = `"${from.organization}/${from.name}"`;
  if (!fork) return missing(`head repository ${label} does not exist`);
  // A repository that never said it is a fork of ours would be read by whoever opens a pull request here.
  const parent = fork.spec.forkOf;
  if (parent?.name !== spec.repository || (parent.organization ?? fork.spec.organizationRef) !== spec.organizationRef)
    return missing(`head repository ${label} is not a fork of "${spec.organizationRef}/${spec.repository}"`);
  const head = {
    repository: { namespace: fork.metadata.namespace ?? "", name: fork.metadata.name ?? "" },
    ref: branchRef(spec.head),
  };
  return { repository, base, head, fork: true };
}

export function isLocated(found: LocatedPullRequest | Unresolved): found is LocatedPullRequest {
  return "repository" in found;
}

export function branchRef(branch: string): string {
  return branch.startsWith("refs/") ? branch : `refs/heads/${branch}`;
}

/** Keys under which a pull request is found from a push: organization, repository and full ref of head and of base. */
export function branchKeys({ spec }: PullRequestObject): string[] {
  const head = spec.headRepository ?? { organization: spec.organizationRef, name: spec.repository };
  return [
    branchKey(head.organization, head.name, branchRef(spec.head)),
    branchKey(spec.organizationRef, spec.repository, branchRef(spec.base ?? "")),
  ];
}

export function branchKey(organization: string, repository: string, ref: string): string {
  return `${organization}/${repository}/${ref}`;
}

function missing(message: string): Unresolved {
  return { reason: "RepositoryMissing", message };
}
