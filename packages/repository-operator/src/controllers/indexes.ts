/** Indexes of the shared informers: added once, before they start. */
import type { MapContext, ProgramContext } from "@krate/controller";
import {
  BranchProtection,
  CheckRun,
  Issue,
  IssueComment,
  MergeQueue,
  PatchSet,
  Pipeline,
  PullRequest,
  Repository,
  Review,
  ReviewComment,
  SSHKey,
} from "@krate/kinds";
import { effectiveProtection } from "@krate/refpolicy";
import { closesKeys } from "../closing/closes-keys.ts";
import type { QueueLookup } from "../merge-queue/queue-of.ts";
import { branchKeys, branchRef, type RepositoryLookup } from "../pull-request/locate.ts";
import { hasEnded, type PullRequestObject } from "../pull-request/status.ts";
import { pullRequestBranchIndex, repositoryOrganizationIndex } from "../pushes.ts";
import { keyIdentity } from "../ssh-key/status.ts";

export const indexes = {
  /** `<namespace>/<repository>/<commit>`: pull requests by their head, check runs and pipelines by their commit. */
  head: "head",
  commit: "commit",
  /** `<namespace>/<pull request>` */
  pullRequest: "pull-request",
  /** `<namespace>/<repository>`, and `<namespace>` alone: pull requests that have not ended */
  open: "open",
  /** `<organization>/<repository>` of the fork: pull requests that have not ended */
  fork: "fork",
  /** `<namespace>/<repository>#<number>` of issues */
  number: "number",
  /** `<namespace>/<name>` of the issues that pull requests close */
  closes: "closes",
  /** `<kind>/<namespace>/<name>` of what is commented */
  target: "target",
  /** `<namespace> <fingerprint>` */
  sshKey: "ssh-key",
} as const;

export function addIndexes({ informer }: Pick<ProgramContext, "informer">): void {
  const pullRequests = informer(PullRequest);
  pullRequests.addIndex(pullRequestBranchIndex, branchKeys);
  pullRequests.addIndex(indexes.head, ({ metadata, spec, status }) =>
    status?.headSha ? [`${metadata.namespace}/${spec.repository}/${status.headSha}`] : [],
  );
  pullRequests.addIndex(indexes.open, (pullRequest) => {
    const { metadata, spec } = pullRequest;
    return hasEnded(pullRequest) ? [] : [`${metadata.namespace}`, `${metadata.namespace}/${spec.repository}`];
  });
  pullRequests.addIndex(indexes.fork, (pullRequest) => {
    const fork = pullRequest.spec.headRepository;
    return fork && !hasEnded(pullRequest) ? [`${fork.organization}/${fork.name}`] : [];
  });
  pullRequests.addIndex(indexes.closes, closesKeys);
  informer(Issue).addIndex(indexes.number, ({ metadata, spec, status }) =>
    spec.repository && status?.number !== undefined
      ? [`${metadata.namespace}/${spec.repository}#${status.number}`]
      : [],
  );
  informer(CheckRun).addIndex(indexes.commit, ({ metadata, spec }) => [
    `${metadata.namespace}/${spec.repository}/${spec.sha}`,
  ]);
  informer(SSHKey).addIndex(indexes.sshKey, keyIdentity);
  informer(Review).addIndex(indexes.pullRequest, ({ metadata, spec }) => [`${metadata.namespace}/${spec.pullRequest}`]);
  informer(ReviewComment).addIndex(indexes.pullRequest, ({ metadata, spec }) => [
    `${metadata.namespace}/${spec.pullRequest}`,
  ]);
  informer(PatchSet).addIndex(indexes.pullRequest, ({ metadata, spec }) => [
    `${metadata.namespace}/${spec.pullRequest}`,
  ]);
  informer(IssueComment).addIndex(indexes.target, ({ metadata, spec }) => [
    `${spec.target.kind}/${metadata.namespace}/${spec.target.name}`,
  ]);
  informer(Pipeline).addIndex(indexes.commit, ({ metadata, spec }) => [
    `${metadata.namespace}/${spec.repository}/${spec.sha}`,
  ]);
  informer(Repository).addIndex(repositoryOrganizationIndex, ({ metadata, spec }) => [
    `${spec.organizationRef}/${metadata.name}`,
  ]);
}

/** What the base of a pull request asks for together; undefined when nothing protects it. */
export function protectionOf({ metadata, spec }: PullRequestObject, { lister }: MapContext) {
  const namespace = metadata.namespace ?? "";
  const repository = lister(Repository).get({ namespace, name: spec.repository });
  const base = branchRef(spec.base ?? repository?.spec.defaultBranch ?? "main");
  return repository && effectiveProtection(lister(BranchProtection).list(namespace), repository, base);
}

export function queueLookup({ lister }: MapContext): QueueLookup {
  return {
    queues: (namespace) => lister(MergeQueue).list(namespace),
    defaultBranch: (key) => lister(Repository).get(key)?.spec.defaultBranch,
  };
}

export function repositoryLookup({ lister }: MapContext): RepositoryLookup {
  const repositories = lister(Repository);
  return {
    get: (key) => repositories.get(key),
    ofOrganization: (organization, name) =>
      repositories.byIndex(repositoryOrganizationIndex, `${organization}/${name}`)[0],
  };
}
