/**
 * Keeps the head of every open pull request in the repository itself, and records each push of it (decisions/0106):
 *
 *   refs/pull/N/head           where the head is, also when it is in a fork, and after branch or fork are gone
 *   refs/pull/N/patchsets/M    where it was after the Mth push
 *   PatchSet <name>-M          the same as a record: who pushed, what kind of push, what became of the commits
 *
 * The two refs move together, the record follows. Killed between them, the next reconcile finds the ref and writes the record.
 */
import {
  type Controller,
  defineController,
  done,
  type ReconcileContext,
  type ReconcileResult,
  WaitError,
} from "@krate/controller";
import { RepositoryMissingError, zeroObjectId } from "@krate/git";
import { GitEvent, isFalse, isReason, isTrue, type ObjectOf, PatchSet, PullRequest, Repository } from "@krate/kinds";
import { GatewayUnavailableError } from "../git/push.ts";
import { scratchRepository } from "../git/scratch.ts";
import { describePatchSet } from "../patch-set/describe.ts";
import { type HeadEvent, type HeadPush, headPushesSince } from "../patch-set/head-pushes.ts";
import { headRefOf, patchSetRefOf } from "../patch-set/refs.ts";
import type { OperatorPorts } from "../ports.ts";
import { isLocated, type LocatedPullRequest, locate } from "../pull-request/locate.ts";
import { hasEnded, type PullRequestObject, type PullRequestStatus } from "../pull-request/status.ts";
import { indexes, repositoryLookup } from "./indexes.ts";
import type { LostPullRequests } from "./sweep-pull-refs.ts";

type PatchSetObject = ObjectOf<typeof PatchSet>;
type Result = ReconcileResult<PullRequestStatus>;

const condition = "HeadKept";
const gatewayAwaySeconds = 5;
/** The informer does not have a PatchSet yet that is there. */
const informerSeconds = 0.2;

export function patchSets(ports: OperatorPorts, lost: LostPullRequests): Controller {
  return defineController({
    name: "patch-sets",
    for: PullRequest,
    concurrency: 2,
    timeoutSeconds: 300,
    triggers: [ports.pushes.patchSets],
    reads: [Repository, PatchSet],
    predicate: (next, old) =>
      next.status?.headSha !== old?.status?.headSha || hasEnded(next) !== (old !== undefined && hasEnded(old)),
    forgotten: ({ namespace, name }) => lost.forgotten(`${namespace}/${name}`),
    async reconcile(pullRequest, context) {
      const { metadata, spec } = pullRequest;
      lost.seen(`${metadata.namespace}/${metadata.name}`, `${metadata.namespace}/${spec.repository}`);
      if (hasEnded(pullRequest) || !pullRequest.status?.headSha || pullRequest.status.number === undefined)
        return done();
      const located = locate(pullRequest, repositoryLookup(context));
      if (!isLocated(located) || located.repository.spec.archived || located.repository.metadata.deletionTimestamp)
        return done();
      try {
        return await keep(pullRequest, located, context, ports);
      } catch (error) {
        if (error instanceof RepositoryMissingError) return done();
        if (!(error instanceof GatewayUnavailableError)) throw error;
        throw new WaitError(gatewayAwaySeconds, error.message, {
          cause: error,
          conditions: [isFalse(condition, "GatewayUnavailable", `${error.message}; trying again`)],
        });
      }
    },
  });
}

async function keep(
  pullRequest: PullRequestObject,
  located: LocatedPullRequest,
  context: ReconcileContext,
  ports: OperatorPorts,
): Promise<Result> {
  const { headSha = "", number = 0 } = pullRequest.status ?? {};
  const { gitDir } = await ports.branches.resolve(located.base);
  let newest = newestOf(pullRequest, context);
  for (const push of await pushesOf(pullRequest, { located, newest, headSha }, context, ports)) {
    const next = (newest?.spec.number ?? 0) + 1;
    const refused = await moveRefs({ number, next, headSha: push.headSha, gitDir, located }, context, ports);
    if (refused) return done({ conditions: [isFalse(condition, "PushRefused", refused)] });
    newest = await record(pullRequest, { push, next, newest, located, gitDir }, context, ports);
    if (!newest) return { requeueAfterSeconds: informerSeconds };
  }
  if (!newest) return done();
  const kept = headRefOf(number);
  if ((await ports.branches.refs(gitDir, [kept]))[0] !== newest.spec.headSha) {
    const { number: next, headSha: at } = newest.spec;
    const refused = await moveRefs({ number, next, headSha: at, gitDir, located }, context, ports);
    if (refused) return done({ conditions: [isFalse(condition, "PushRefused", refused)] });
  }
  return done({ status: { patchSet: newest.spec.number }, conditions: [isTrue(condition, "Kept", kept)] });
}

function newestOf({ metadata }: PullRequestObject, { lister }: ReconcileContext): PatchSetObject | undefined {
  return lister(PatchSet)
    .byIndex(indexes.pullRequest, `${metadata.namespace}/${metadata.name}`)
    .reduce<PatchSetObject | undefined>((a, b) => (a && a.spec.number > b.spec.number ? a : b), undefined);
}

async function pushesOf(
  { metadata }: PullRequestObject,
  { located, newest, headSha }: { located: LocatedPullRequest; newest: PatchSetObject | undefined; headSha: string },
  { client, now, signal }: ReconcileContext,
  { pushes }: OperatorPorts,
): Promise<HeadPush[]> {
  const { repository, ref } = located.head;
  const movedAt = pushes.lastMovedAt(repository, ref);
  const wasLeft = newest !== undefined && movedAt !== undefined && movedAt > newest.spec.pushedAt;
  if (newest?.spec.headSha === headSha && !wasLeft) return [];
  const find = async (newSha: string): Promise<HeadEvent[]> => {
    const fields = { "spec.repository": repository.name, "spec.ref": ref, "spec.newSha": newSha };
    const fieldSelector = Object.entries(fields)
      .map(([field, value]) => `${field}=${value}`)
      .join(",");
    const { items } = await client.list(GitEvent, {
      namespace: repository.namespace,
      fieldSelector,
      limit: 100,
      signal,
    });
    return items
      .filter(({ spec }) => spec.decision !== "Rejected")
      .map(({ metadata: { name = "" }, spec }) => ({
        name,
        oldSha: spec.oldSha,
        newSha: spec.newSha,
        user: spec.actor.user,
        receivedAt: spec.receivedAt,
      }));
  };
  const opened = metadata.creationTimestamp ?? now().toISOString();
  return headPushesSince({
    headSha,
    ...(newest && { newest: newest.spec }),
    find,
    now: newest ? now().toISOString() : opened,
  });
}

/** Answers why not, when it was refused. */
async function moveRefs(
  {
    number,
    next,
    headSha,
    gitDir,
    located,
  }: { number: number; next: number; headSha: string; gitDir: string; located: LocatedPullRequest },
  { signal }: ReconcileContext,
  { branches, gateway, backend }: OperatorPorts,
): Promise<string | undefined> {
  const wanted = [headRefOf(number), patchSetRefOf(number, next)];
  const current = await branches.refs(gitDir, wanted);
  const updates = wanted
    .map((ref, index) => ({ ref, newId: headSha, expectedId: current[index] ?? zeroObjectId }))
    .filter(({ newId, expectedId }) => newId !== expectedId);
  if (updates.length === 0) return undefined;
  const { repository } = located.base;
  await using scratch = await scratchRepository([...new Set([gitDir, backend.gitDir(located.head.repository)])], {
    signal,
  });
  const outcome = await gateway.pushTogether(repository, updates, { from: scratch.read });
  if (outcome.result === "moved") throw new WaitError(1, `${wanted.join(" or ")} was moved meanwhile`);
  return outcome.result === "refused" ? outcome.reason : undefined;
}

/** Undefined when the record is there already. */
async function record(
  { metadata, spec, status }: PullRequestObject,
  {
    push,
    next,
    newest,
    located,
    gitDir,
  }: {
    push: HeadPush;
    next: number;
    newest: PatchSetObject | undefined;
    located: LocatedPullRequest;
    gitDir: string;
  },
  { client, signal }: ReconcileContext,
  { branches }: OperatorPorts,
): Promise<PatchSetObject | undefined> {
  const baseSha = (await branches.resolve(located.base)).sha ?? push.headSha;
  const pusher = push.pusher ?? (newest ? undefined : status?.author?.user);
  // The refs keep the commits in the repository itself by now.
  const described = await describePatchSet(
    { headSha: push.headSha, baseSha, ...(newest && { previous: newest.spec }) },
    { gitDir, signal },
  );
  try {
    return await client.create(PatchSet, {
      metadata: { namespace: metadata.namespace ?? "", name: `${metadata.name}-${next}` },
      spec: {
        organizationRef: spec.organizationRef,
        repository: spec.repository,
        pullRequest: metadata.name ?? "",
        number: next,
        headSha: push.headSha,
        ...(newest && { previousHeadSha: newest.spec.headSha }),
        baseSha,
        pushedAt: push.at,
        ...(pusher && { pusher }),
        ...(push.gitEvent && { gitEvent: push.gitEvent }),
        ref: patchSetRefOf(status?.number ?? 0, next),
        ...described,
      },
    });
  } catch (error) {
    if (isReason(error, "AlreadyExists")) return undefined;
    throw error;
  }
}
