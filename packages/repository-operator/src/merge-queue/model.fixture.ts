/**
 * Test only: a small world in which a merge queue runs. Commits are names, a tree is the set of changes in it, checks fail by what a tree
 * holds. Only `persisted` survives a crash; everything else is the world.
 */
import { createHash } from "node:crypto";
import { after, isoSeconds, plan } from "./plan.ts";
import {
  type Action,
  type BuiltEntry,
  candidateOf,
  emptyQueue,
  type Observation,
  type ObservedPullRequest,
  type Priority,
  type QueueState,
  type Settings,
} from "./state.ts";

export interface Head {
  sha: string;
  bad: boolean;
  /** Heads with the same number conflict in Git; 0 conflicts with nothing. */
  clash: number;
}

interface PullRequest {
  uid: string;
  number: number;
  head: Head;
  phase: ObservedPullRequest["phase"];
  queued: boolean;
  priority: Priority;
  queue?: { at: string; headSha: string };
  mergedAs?: string;
  ejections: { headSha: string; reason: string }[];
}

interface Commit {
  id: string;
  parent?: string;
  /** Heads, and names of direct pushes. */
  tree: readonly string[];
  /** Which pull request it merges, by which head. */
  merges?: { uid: string; headSha: string };
}

type Crash = "none" | "before" | "after";

export class World {
  persisted: QueueState = emptyQueue;
  version = 0;
  nowMs = Date.UTC(2026, 0, 1);
  readonly branch = "main";
  readonly settings: Settings;
  readonly pullRequests: PullRequest[] = [];
  readonly commits = new Map<string, Commit>();
  readonly heads = new Map<string, Head>();
  readonly candidates = new Map<string, string>();
  readonly verdicts = new Map<string, "passed" | "failed">();
  readonly movedByQueue: { from: string; to: string }[] = [];
  /** Rounds that a batch needed before it let one go. */
  readonly rounds: { size: number; rounds: number }[] = [];
  base = "root";
  #counter = 0;
  /** What the queue sees of pull requests when its cache is behind. */
  #stale: ObservedPullRequest[] | undefined;

  constructor(settings: Partial<Settings> = {}) {
    this.settings = { maxSize: 4, minSize: 1, waitSeconds: 0, checkTimeoutSeconds: 3600, paused: false, ...settings };
    this.commits.set("root", { id: "root", tree: [] });
  }

  // What people do.

  open({ bad = false, clash = 0 }: { bad?: boolean; clash?: number } = {}): PullRequest {
    const number = this.pullRequests.length + 1;
    const head = this.#newHead(`pr${number}`, { bad, clash });
    const pullRequest: PullRequest = {
      uid: `uid-${String(number).padStart(4, "0")}`,
      number,
      head,
      phase: "Open",
      queued: false,
      priority: "normal",
      ejections: [],
    };
    this.pullRequests.push(pullRequest);
    return pullRequest;
  }

  queue(pullRequest: PullRequest, priority: Priority = "normal"): void {
    if (pullRequest.phase !== "Open" || pullRequest.queued) return;
    this.tick(1);
    pullRequest.queued = true;
    pullRequest.priority = priority;
    pullRequest.queue = { at: this.#now(), headSha: pullRequest.head.sha };
  }

  unqueue(pullRequest: PullRequest): void {
    if (pullRequest.phase === "Open") pullRequest.queued = false;
  }

  push(pullRequest: PullRequest, head: { bad?: boolean; clash?: number }): void {
    if (pullRequest.phase === "Merged") return;
    pullRequest.head = this.#newHead(`pr${pullRequest.number}`, { bad: head.bad ?? false, clash: head.clash ?? 0 });
  }

  close(pullRequest: PullRequest): void {
    if (pullRequest.phase !== "Open") return;
    pullRequest.phase = "Closed";
    pullRequest.queued = false;
  }

  reopen(pullRequest: PullRequest): void {
    if (pullRequest.phase === "Closed") pullRequest.phase = "Open";
  }

  /** A push to the branch past the queue. */
  pushDirectly(): void {
    const id = `direct${++this.#counter}`;
    this.commits.set(id, { id, parent: this.base, tree: [...this.#treeOf(this.base), id] });
    this.base = id;
  }

  /** An administrator merges one past the queue. */
  mergeDirectly(pullRequest: PullRequest): void {
    if (pullRequest.phase !== "Open" || pullRequest.queued || this.#conflicts(pullRequest.head, this.base)) return;
    const id = `direct${++this.#counter}`;
    const { uid, head } = pullRequest;
    const tree = [...this.#treeOf(this.base), head.sha];
    this.commits.set(id, { id, parent: this.base, tree, merges: { uid, headSha: head.sha } });
    this.base = id;
    pullRequest.phase = "Merged";
    pullRequest.mergedAs = id;
  }

  tick(seconds: number): void {
    this.nowMs += seconds * 1000;
  }

  /** Checks of a candidate complete. `flaky`: they fail whatever it holds. */
  completeChecks(flaky = false): void {
    const pending = [...this.candidates.values()].find((commit) => !this.verdicts.has(commit));
    if (!pending) return;
    this.verdicts.set(pending, flaky || this.isBad(pending) ? "failed" : "passed");
  }

  isBad(commit: string): boolean {
    return this.#treeOf(commit).some((name) => this.heads.get(name)?.bad === true);
  }

  // The other controllers.

  /** Marks as merged what has landed, and lets go of who is leaving: each reads what the queue wrote down. */
  followQueue(): void {
    for (const entry of this.persisted.entries) {
      const pullRequest = this.#find(entry.uid);
      if (entry.phase === "Landed" && pullRequest.phase === "Merging") {
        pullRequest.phase = "Merged";
        if (entry.commit) pullRequest.mergedAs = entry.commit;
      }
      const isSame = pullRequest.queue?.at === entry.queuedAt;
      if (entry.phase === "Leaving" && pullRequest.phase === "Open" && pullRequest.queued && isSame) {
        pullRequest.queued = false;
        pullRequest.ejections.push({ headSha: entry.headSha, reason: entry.reason ?? "" });
      }
    }
  }

  /** From now on the queue sees pull requests as they are here, until `refresh`. */
  freezeCache(): void {
    this.#stale = this.#observePullRequests();
  }

  refresh(): void {
    this.#stale = undefined;
  }

  // The queue.

  /** One step. `crash`: the process ends before the effect, or after it and before its answer is used. */
  step(crash: Crash = "none"): Action {
    const action = plan(this.persisted, this.observe(), this.settings);
    if (crash === "before") return action;
    const answer = this.#perform(action);
    if (crash === "none" && answer) this.#remember(answer);
    return action;
  }

  observe(): Observation {
    const { batch } = this.persisted;
    const candidate = batch && candidateOf(batch).commit;
    const verdict = candidate === undefined ? undefined : this.verdicts.get(candidate);
    return {
      now: new Date(this.nowMs),
      branch: this.branch,
      baseSha: this.base,
      pullRequests: this.#stale ?? this.#observePullRequests(),
      candidates: new Map(this.candidates),
      ...(candidate !== undefined && {
        batch: {
          landed: this.isOnBase(candidate),
          checks:
            verdict === undefined
              ? { state: "pending", waitingFor: ["ci"], missing: [] }
              : verdict === "passed"
                ? { state: "passed" }
                : { state: "failed", message: "check ci failed" },
        },
      }),
    };
  }

  #perform(action: Action): QueueState | undefined {
    const now = isoSeconds(new Date(this.nowMs));
    switch (action.kind) {
      case "remember":
        this.#remember(action.state);
        return undefined;
      case "build":
        return after.build(this.persisted, { baseSha: action.baseSha, at: action.at, built: this.#build(action) });
      case "push-candidate":
        this.candidates.set(action.ref, action.commit);
        return undefined;
      case "delete-candidate":
        if (this.candidates.get(action.ref) === action.commit) this.candidates.delete(action.ref);
        return undefined;
      case "claim":
        return this.#claim(action)
          ? undefined
          : after.refusedClaim(this.persisted, { uid: action.uid, message: "refused", now });
      case "release": {
        const pullRequest = this.#find(action.uid);
        if (pullRequest.phase === "Merging") pullRequest.phase = "Open";
        return undefined;
      }
      case "move-base":
        if (this.base !== action.from) return undefined;
        this.movedByQueue.push({ from: action.from, to: action.to });
        this.base = action.to;
        return undefined;
      case "wait":
        return undefined;
    }
  }

  #claim({ uid, headSha }: { uid: string; headSha: string }): boolean {
    const pullRequest = this.#find(uid);
    if (pullRequest.phase === "Merging" || pullRequest.phase === "Merged") return true;
    if (pullRequest.phase !== "Open" || !pullRequest.queued) return false;
    if (pullRequest.queue?.headSha !== headSha || pullRequest.head.sha !== headSha) return false;
    pullRequest.phase = "Merging";
    return true;
  }

  #build({ baseSha, at, entries }: Extract<Action, { kind: "build" }>): BuiltEntry[] {
    let tip = baseSha;
    return entries.map(({ uid, headSha }) => {
      const there = this.#findLanded(uid, headSha, baseSha);
      if (there) return { uid, result: "landed", commit: there, at };
      const head = this.heads.get(headSha) as Head;
      if (this.#conflicts(head, tip)) return { uid, result: "failed", reason: "Conflicts", message: "conflicts" };
      const id = createHash("sha1").update(`${tip} ${uid} ${headSha} ${at}`).digest("hex");
      this.commits.set(id, { id, parent: tip, tree: [...this.#treeOf(tip), headSha], merges: { uid, headSha } });
      tip = id;
      return { uid, result: "built", commit: id, treeId: id };
    });
  }

  #remember(state: QueueState): void {
    const { batch } = this.persisted;
    const leaving = ({ entries }: QueueState) =>
      entries.filter(({ phase, reason }) => phase === "Leaving" && reason === "ChecksFailed").length;
    if (batch && !state.batch && leaving(state) > leaving(this.persisted))
      this.rounds.push({ size: batch.members.length, rounds: batch.round });
    // Through JSON, as the status is.
    this.persisted = JSON.parse(JSON.stringify(state)) as QueueState;
    this.version++;
  }

  #observePullRequests(): ObservedPullRequest[] {
    return this.pullRequests.map(({ uid, number, queued, phase, priority, queue, head }) => ({
      pullRequest: `pr-${number}`,
      uid,
      number,
      queued,
      phase,
      priority,
      queuedAt: queue?.at ?? "",
      queuedHeadSha: queue?.headSha ?? "",
      headSha: head.sha,
    }));
  }

  // Looking at history.

  /** Commits of the branch, newest first. */
  history(from = this.base): Commit[] {
    const found: Commit[] = [];
    for (let id: string | undefined = from; id !== undefined; ) {
      const commit: Commit = this.commits.get(id) as Commit;
      found.push(commit);
      id = commit.parent;
    }
    return found;
  }

  isOnBase(commit: string): boolean {
    return this.history().some(({ id }) => id === commit);
  }

  #findLanded(uid: string, headSha: string, base: string): string | undefined {
    return this.history(base).find(({ merges }) => merges?.uid === uid && merges.headSha === headSha)?.id;
  }

  #conflicts(head: Head, commit: string): boolean {
    if (head.clash === 0) return false;
    return this.#treeOf(commit).some((name) => name !== head.sha && this.heads.get(name)?.clash === head.clash);
  }

  #treeOf(commit: string): readonly string[] {
    return this.commits.get(commit)?.tree ?? [];
  }

  #newHead(name: string, head: Omit<Head, "sha">): Head {
    const sha = `${name}@${++this.#counter}`;
    const made = { sha, ...head };
    this.heads.set(sha, made);
    return made;
  }

  #find(uid: string): PullRequest {
    return this.pullRequests.find((pullRequest) => pullRequest.uid === uid) as PullRequest;
  }

  #now(): string {
    return isoSeconds(new Date(this.nowMs));
  }
}
