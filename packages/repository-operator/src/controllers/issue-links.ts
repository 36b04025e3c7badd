/**
 * Issues that a pull request closes, by the words of its body and its commits:
 *
 *   open      status.closes names them, and each of them names the pull request (status.linkedPullRequests)
 *   merged    into the default branch: they are closed, once; who reopens one keeps it open
 *
 * Issues of the pull request's own repository follow its merge. For others the right of who merged counts, and those of other namespaces are
 * neither named nor told before, so that nobody learns of issues, or writes to them, by a pull request somewhere else.
 */
import {
  type Controller,
  defineController,
  done,
  type ReconcileContext,
  type ReconcileResult,
  watch,
} from "@krate/controller";
import { log, RepositoryMissingError } from "@krate/git";
import { findCondition, Issue, isFalse, isTrue, type ObjectOf, PullRequest, Repository } from "@krate/kinds";
import { accessReview } from "@krate/kube";
import { closesKeys } from "../closing/closes-keys.ts";
import { closedBy, type IssueReference } from "../closing/keywords.ts";
import { Memo } from "../memo.ts";
import type { OperatorPorts } from "../ports.ts";
import type { PullRequestObject, PullRequestStatus } from "../pull-request/status.ts";
import { indexes } from "./indexes.ts";

type IssueObject = ObjectOf<typeof Issue>;
type Result = ReconcileResult<PullRequestStatus>;

const condition = "IssuesClosed";
const maxCommits = 250;
/** A merge that is older when it is first seen was made before there was such a thing. */
const lateMs = 3_600_000;

export function issueLinks(ports: OperatorPorts): Controller {
  const messages = new Memo<string[]>(2000);
  return defineController({
    name: "issue-links",
    for: PullRequest,
    reads: [Issue, Repository],
    predicate: (next, old) =>
      next.spec.body !== old?.spec.body ||
      next.spec.base !== old?.spec.base ||
      next.status?.headSha !== old?.status?.headSha ||
      next.status?.mergeBaseSha !== old?.status?.mergeBaseSha ||
      next.status?.patchSet !== old?.status?.patchSet ||
      next.status?.phase !== old?.status?.phase,
    async reconcile(pullRequest, context) {
      const { metadata, spec, status } = pullRequest;
      if (status?.phase === "Closed" || (status?.phase === "Merged" && findCondition(pullRequest, condition)))
        return done();
      const key = { namespace: metadata.namespace ?? "", name: spec.repository };
      const repository = context.lister(Repository).get(key);
      if (!repository) return done();
      const isDefault = (spec.base ?? "main") === (repository.spec.defaultBranch ?? "main");
      const texts = [spec.body ?? "", ...(await messagesOf(pullRequest, { ports, messages }, context))];
      const references = isDefault ? closedBy(texts) : [];
      if (status?.phase === "Merged") return close(pullRequest, references, context);
      const own = references.flatMap((reference) => find(reference, pullRequest, context) ?? []);
      const closes = own.filter(({ metadata: issue }) => issue.namespace === metadata.namespace).map(nameOf);
      return done({ status: { closes: closes.length > 0 ? [...new Set(closes)].sort() : undefined } });
    },
  });
}

function nameOf({ metadata }: IssueObject): string {
  return metadata.name ?? "";
}

/** Messages of the commits since the merge base, newest first. */
async function messagesOf(
  { metadata, spec, status }: PullRequestObject,
  { ports, messages }: { ports: OperatorPorts; messages: Memo<string[]> },
  { signal }: ReconcileContext,
): Promise<string[]> {
  const { headSha, mergeBaseSha } = status ?? {};
  if (!headSha || !mergeBaseSha) return [];
  const gitDir = ports.backend.gitDir({ namespace: metadata.namespace ?? "", name: spec.repository });
  try {
    // The commits of a fork are here once its head is kept; until then its body speaks alone.
    const [kept] = await ports.branches.refs(gitDir, [headSha]);
    if (kept === undefined) return [];
    return await messages.get([gitDir, headSha, mergeBaseSha].join("\0"), async () => {
      const commits = await log({ include: [headSha], exclude: [mergeBaseSha], limit: maxCommits }, { gitDir, signal });
      return commits.map(({ message }) => message);
    });
  } catch (error) {
    if (error instanceof RepositoryMissingError) return [];
    throw error;
  }
}

function find(
  { namespace, repository, number }: IssueReference,
  { metadata, spec }: PullRequestObject,
  { lister }: ReconcileContext,
): IssueObject | undefined {
  const where = `${namespace ?? metadata.namespace}/${repository ?? spec.repository}`;
  return lister(Issue).byIndex(indexes.number, `${where}#${number}`)[0];
}

async function close(
  pullRequest: PullRequestObject,
  references: readonly IssueReference[],
  context: ReconcileContext,
): Promise<Result> {
  const { mergedAt } = pullRequest.status ?? {};
  const isLate = mergedAt !== undefined && context.now().getTime() - Date.parse(mergedAt) > lateMs;
  if (references.length === 0 || isLate) return done();
  const closed: string[] = [];
  const kept: string[] = [];
  for (const reference of references) {
    const issue = find(reference, pullRequest, context);
    if (!issue) continue;
    const isNear = issue.metadata.namespace === pullRequest.metadata.namespace;
    const name = isNear ? nameOf(issue) : `${issue.metadata.namespace}/${nameOf(issue)}`;
    const mayClose = issue.spec.repository === pullRequest.spec.repository && isNear;
    if (!mayClose && !(await mergerMayClose(issue, pullRequest, context))) {
      // An issue elsewhere is named as the author named it: whether there is one is not told.
      kept.push(isNear ? name : `${reference.namespace}/${reference.repository}#${reference.number}`);
      continue;
    }
    if (issue.spec.state !== "closed") await closeIssue(issue, pullRequest, context);
    closed.push(name);
  }
  if (closed.length === 0 && kept.length === 0) return done();
  const status = { closes: closed.length > 0 ? closed.sort() : undefined };
  if (kept.length === 0) return done({ status, conditions: [isTrue(condition, "Closed", closed.join(", "))] });
  const message = `${pullRequest.status?.mergedBy ?? "who merged"} may not close ${kept.join(", ")}`;
  return done({ status, conditions: [isFalse(condition, "SomeNotClosed", message)] });
}

async function mergerMayClose(
  { metadata }: IssueObject,
  { status }: PullRequestObject,
  { client, signal }: ReconcileContext,
): Promise<boolean> {
  if (!status?.mergedBy) return false;
  const subject = { user: status.mergedBy, groups: [...(status.mergedByGroups ?? []), "system:authenticated"] };
  const { namespace = "", name = "" } = metadata;
  const attributes = { verb: "patch", group: Issue.group, resource: Issue.plural, namespace, name };
  return (await accessReview(client, subject, attributes, { signal })).allowed;
}

async function closeIssue(
  issue: IssueObject,
  { metadata, status }: PullRequestObject,
  { client, events }: ReconcileContext,
): Promise<void> {
  const { namespace = "", name = "" } = issue.metadata;
  const patch = { spec: { state: "closed", closeReason: "completed" } };
  await client.patch(Issue, { namespace, name }, patch, { type: "merge" });
  const by = `${metadata.namespace === namespace ? "" : `${metadata.namespace}/`}${metadata.name}`;
  events.record(issue, "Normal", "ClosedByPullRequest", `${by} was merged by ${status?.mergedBy ?? "somebody"}`);
}

/** `status.linkedPullRequests` of issues: who closes them, or did. */
export function linkedPullRequests(): Controller {
  return defineController({
    name: "linked-pull-requests",
    for: Issue,
    watches: [
      watch(PullRequest, (pullRequest) =>
        closesKeys(pullRequest).map((key) => {
          const [namespace = "", name = ""] = key.split("/");
          return { namespace, name };
        }),
      ),
    ],
    async reconcile({ metadata, status }, { lister }) {
      const linked = lister(PullRequest)
        .byIndex(indexes.closes, `${metadata.namespace}/${metadata.name}`)
        .map(
          (by) =>
            `${by.metadata.namespace === metadata.namespace ? "" : `${by.metadata.namespace}/`}${by.metadata.name}`,
        )
        .sort()
        .slice(0, 50);
      if (linked.length === 0 && status?.linkedPullRequests === undefined) return done();
      return done({ status: { linkedPullRequests: linked.length > 0 ? linked : undefined } });
    },
  });
}
