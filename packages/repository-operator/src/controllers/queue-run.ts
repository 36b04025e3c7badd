/** One run of a merge queue: steps that `plan` names, until there is something to wait for. */
import { done, type ReconcileContext, type ReconcileResult } from "@krate/controller";
import { isAncestor } from "@krate/git";
import { BranchProtection, CheckRun, PullRequest, Repository } from "@krate/kinds";
import { effectiveProtection } from "@krate/refpolicy";
import { giveUpBatch } from "../merge-queue/batch.ts";
import { type ChainInput, type ChainLink, withChain } from "../merge-queue/chain.ts";
import { judgeChecks } from "../merge-queue/checks.ts";
import { conditionsOf } from "../merge-queue/conditions.ts";
import type { QueueMetrics } from "../merge-queue/metrics.ts";
import { newsOf } from "../merge-queue/news.ts";
import { observePullRequest, readCandidates } from "../merge-queue/observe.ts";
import {
  claimPullRequest,
  deleteCandidate,
  moveBase,
  pushCandidate,
  pushRef,
  type QueueSite,
  releasePullRequest,
} from "../merge-queue/perform.ts";
import { after, isoSeconds, plan } from "../merge-queue/plan.ts";
import { type MergeQueueObject, type MergeQueueStatus, settingsOf, stateOf, statusOf } from "../merge-queue/render.ts";
import {
  type Action,
  candidateOf,
  candidateRef,
  type Observation,
  type ObservedPullRequest,
  type QueueState,
} from "../merge-queue/state.ts";
import { personOfUser } from "../person.ts";
import type { OperatorPorts } from "../ports.ts";
import { branchRef, isLocated, locate } from "../pull-request/locate.ts";
import type { PullRequestObject } from "../pull-request/status.ts";
import { indexes, repositoryLookup } from "./indexes.ts";
import { subjectOf } from "./merging.ts";

type Result = ReconcileResult<MergeQueueStatus>;

/** Steps of one reconcile; more follow in the next. */
const maxSteps = 100;
const againSeconds = 0.2;

export class QueueRun {
  #queue: MergeQueueObject;
  readonly #site: QueueSite;
  readonly #context: ReconcileContext;
  readonly #ports: OperatorPorts;
  readonly #metrics: QueueMetrics;
  /** What writes of this run returned: newer than the cache. */
  readonly #written = new Map<string, PullRequestObject>();

  constructor(
    queue: MergeQueueObject,
    site: QueueSite,
    context: ReconcileContext,
    ports: OperatorPorts,
    metrics: QueueMetrics,
  ) {
    this.#queue = queue;
    this.#site = site;
    this.#context = context;
    this.#ports = ports;
    this.#metrics = metrics;
  }

  async run(): Promise<Result> {
    const settings = settingsOf(this.#queue);
    for (let step = 0; step < maxSteps; step++) {
      this.#context.signal.throwIfAborted();
      const state = stateOf(this.#queue);
      const seen = await this.#observe(state);
      const action = plan(state, seen, { ...settings, maxSize: this.#maxSize(settings.maxSize) });
      if (action.kind === "wait") return this.#report(state, seen, action.seconds);
      this.#context.log.debug({ action: action.kind }, "merge queue");
      await this.#ports.checkpoint?.(`queue-before-${action.kind}`);
      const answer = await this.#perform(action, state);
      await this.#ports.checkpoint?.(`queue-after-${action.kind}`);
      if (answer === "again") return done({ requeueAfterSeconds: againSeconds });
      if (answer) await this.#remember(state, answer);
    }
    return done({ requeueAfterSeconds: againSeconds });
  }

  /** Answers the next state, when the effect decides it. */
  async #perform(action: Action, state: QueueState): Promise<QueueState | "again" | undefined> {
    const { namespace } = this.#site.repository;
    const { signal } = this.#context;
    const now = isoSeconds(this.#context.now());
    const effect = { site: this.#site, ports: this.#ports, signal };
    if (action.kind !== "remember") this.#metrics.effect(action.kind);
    switch (action.kind) {
      case "wait":
        return undefined;
      case "remember":
        return action.state;
      case "build":
        return this.#build(action, state);
      case "push-candidate": {
        const { batch } = state;
        if (!batch) return undefined;
        const chain = (uids: readonly string[]) => this.#chain(uids, state);
        const outcome = await pushCandidate(action, { ...effect, batch, chain });
        return outcome === "lost" ? giveUpBatch(state, "what was built is gone: it is built again") : undefined;
      }
      case "delete-candidate":
        await deleteCandidate(action, effect);
        return undefined;
      case "claim":
      case "release": {
        const write = action.kind === "claim" ? claimPullRequest : releasePullRequest;
        const answer = await write(action as never, namespace, this.#context);
        if ("changed" in answer) return "again";
        if ("object" in answer) this.#written.set(action.uid, answer.object);
        else if (action.kind === "claim")
          return after.refusedClaim(state, { uid: action.uid, message: answer.refused, now });
        return undefined;
      }
      case "move-base": {
        const answer = await moveBase(action, effect);
        return answer && after.refusedMove(state, { message: answer.refused, now });
      }
    }
  }

  async #remember(before: QueueState, next: QueueState): Promise<void> {
    const status = statusOf(next, this.#site.branch, settingsOf(this.#queue).paused);
    this.#queue = await this.#context.claim(this.#queue, status as Partial<MergeQueueStatus>);
    this.#metrics.changed(before, next, this.#context.now());
    const { namespace } = this.#site.repository;
    for (const { type, reason, message, pullRequest } of newsOf(before, next)) {
      const about = pullRequest && this.#context.lister(PullRequest).get({ namespace, name: pullRequest.name });
      if (!pullRequest || about) this.#context.events.record(about ?? this.#queue, type, reason, message);
    }
  }

  async #build(
    action: Extract<Action, { kind: "build" }>,
    state: QueueState,
  ): Promise<QueueState | "again" | undefined> {
    const { baseSha, at, entries } = action;
    const uids = entries.map(({ uid }) => uid);
    const input = this.#chain(uids, state);
    if (!input) return "again";
    return withChain({ ...input, baseSha, at }, async (built, from) => {
      const next = after.build(state, { baseSha, at, built });
      if (!next.batch) return next;
      // Written down first, then pushed while its commits are there: a later step would have to make them again.
      await this.#remember(state, next);
      const { commit } = candidateOf(next.batch);
      const ref = candidateRef(this.#site.branch, commit);
      await this.#ports.checkpoint?.("queue-before-push-candidate");
      await pushRef({ kind: "push-candidate", ref, commit }, from, { site: this.#site, ports: this.#ports });
      await this.#ports.checkpoint?.("queue-after-push-candidate");
      return undefined;
    });
  }

  /** What is needed to build these; undefined while one of them cannot be found. */
  #chain(uids: readonly string[], state: QueueState): ChainInput | undefined {
    const { namespace } = this.#site.repository;
    const entries = new Map(state.entries.map((entry) => [entry.uid, entry]));
    const links = uids.map((uid): ChainLink | undefined => {
      const entry = entries.get(uid);
      const object = entry && this.#context.lister(PullRequest).get({ namespace, name: entry.pullRequest });
      const located = object && locate(object, repositoryLookup(this.#context));
      if (!entry || !object || !located || !isLocated(located)) return undefined;
      const method = this.#queue.spec.mergeMethod ?? object.spec.mergeMethod ?? located.repository.spec.merge?.default;
      return {
        uid,
        headSha: entry.headSha,
        gitDir: this.#ports.backend.gitDir(located.head.repository),
        pullRequest: subjectOf(object),
        method: method ?? "merge",
        author: personOfUser(object.status?.author?.user ?? "unknown", namespace, this.#context),
      };
    });
    if (links.some((link) => link === undefined)) return undefined;
    return {
      gitDir: this.#site.gitDir,
      baseSha: "",
      at: "",
      links: links as ChainLink[],
      committer: this.#ports.committer,
      signal: this.#context.signal,
    };
  }

  async #observe(state: QueueState): Promise<Observation> {
    const { gitDir, branch } = this.#site;
    const [baseSha] = await this.#ports.branches.refs(gitDir, [branchRef(branch)]);
    const candidate = state.batch && candidateOf(state.batch).commit;
    return {
      now: this.#context.now(),
      branch,
      ...(baseSha && { baseSha }),
      pullRequests: await this.#observePullRequests(state),
      candidates: await readCandidates(gitDir, branch),
      ...(candidate && {
        batch: { landed: await this.#isLanded(candidate, baseSha), checks: this.#judge(candidate) },
      }),
    };
  }

  async #isLanded(commit: string, baseSha: string | undefined): Promise<boolean> {
    if (baseSha === undefined || commit === baseSha) return commit === baseSha;
    const { gitDir } = this.#site;
    const [known] = await this.#ports.branches.refs(gitDir, [commit]);
    return known === commit && (await isAncestor(commit, baseSha, { gitDir, signal: this.#context.signal }));
  }

  #judge(candidate: string) {
    const { namespace, name } = this.#site.repository;
    const runs = this.#context.lister(CheckRun).byIndex(indexes.commit, `${namespace}/${name}/${candidate}`);
    return judgeChecks(runs, this.#requiredChecks());
  }

  #requiredChecks(): string[] {
    return this.#queue.spec.requiredChecks ?? this.#protection()?.requiredChecks ?? [];
  }

  /** Only the last commit of a push of ours is exempt from having a signature. */
  #maxSize(maxSize: number): number {
    return this.#protection()?.requireSignedCommits ? 1 : maxSize;
  }

  #protection() {
    const { repository, branch } = this.#site;
    const object = this.#context.lister(Repository).get(repository);
    const protections = this.#context.lister(BranchProtection).list(repository.namespace);
    return object && effectiveProtection(protections, object, branchRef(branch));
  }

  async #observePullRequests(state: QueueState): Promise<ObservedPullRequest[]> {
    const { namespace, name } = this.#site.repository;
    const pullRequests = this.#context.lister(PullRequest);
    const found = new Map<string, PullRequestObject>();
    for (const object of pullRequests.byIndex(indexes.open, `${namespace}/${name}`))
      if (object.spec.queued === true) found.set(object.metadata.uid ?? "", object);
    for (const entry of state.entries) {
      const object = pullRequests.get({ namespace, name: entry.pullRequest });
      if (object?.metadata.uid === entry.uid) found.set(entry.uid, object);
    }
    const members = new Set(state.batch?.members.map(({ uid }) => uid));
    const observed = [...found].map(async ([uid, cached]) => {
      const object = this.#written.get(uid) ?? cached;
      const seen = observePullRequest(object, { branch: this.#site.branch, queue: this.#queue });
      const headSha = seen && members.has(uid) ? await this.#headOf(object) : undefined;
      return seen && (headSha ? { ...seen, headSha } : seen);
    });
    return (await Promise.all(observed)).filter((seen) => seen !== undefined);
  }

  /** Where the branch is, whatever its status says. */
  async #headOf(object: PullRequestObject): Promise<string | undefined> {
    const located = locate(object, repositoryLookup(this.#context));
    if (!isLocated(located)) return undefined;
    const gitDir = this.#ports.backend.gitDir(located.head.repository);
    return (await this.#ports.branches.refs(gitDir, [located.head.ref]))[0];
  }

  #report(state: QueueState, seen: Observation, seconds: number | undefined): Result {
    const { paused } = settingsOf(this.#queue);
    const required = this.#requiredChecks();
    const status = { ...statusOf(state, this.#site.branch, paused), requiredChecks: required };
    this.#metrics.depth(`${this.#site.repository.namespace}/${this.#queue.metadata.name}`, status.depth ?? 0);
    return {
      status: status as Partial<MergeQueueStatus>,
      conditions: conditionsOf(state, seen, { paused, required, branch: this.#site.branch }),
      ...(seconds !== undefined && { requeueAfterSeconds: Math.max(seconds, againSeconds) }),
    };
  }
}
