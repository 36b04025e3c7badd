/**
 * receive-pack, spoken in process. A push goes through these stages; each may end it:
 *
 *   parse       commands, capabilities, push options          malformed → band-3 error
 *   store       the pack goes into a quarantine               refused → "unpack <reason>", every ref "ng"
 *   connect     everything the new tips reach is there        missing → the same
 *   classify    create, update, force-update, delete          wrong old value, object of the wrong type → "ng"
 *   evaluate    the namespace's policies judge each ref       refused → "ng", explained over side-band
 *   land        see land.ts                                   lost race → "ng"
 *   report      after the events are durable
 */

import { join } from "node:path";
import {
  type BackendRepository,
  countRefs,
  GitError,
  isZeroObjectId,
  movedMessage,
  PktLineReader,
  ProtocolError,
  type ReceivePackRequest,
  type RefCommand,
  type RefStatus,
  readReceivePackRequest,
  readRefs,
  runGit,
  zeroObjectId,
} from "@krate/git";
import type {
  CommitSignatures,
  GitEventRecord,
  Identity,
  PolicyEngine,
  PushFacts,
  RefDecision,
  RepositoryView,
  RuleResult,
} from "../ports.ts";
import { EventsNotWrittenError } from "../ports.ts";
import { hiddenRefPrefix, isServerRef, queueRefPrefix } from "./advertise.ts";
import { explainDecision, shortReason } from "./explain.ts";
import { PushFactsReader } from "./facts.ts";
import { type JournalEntry, newPushId } from "./journal.ts";
import { type Landing, type LandingPorts, landPush, recordRefusals } from "./land.ts";
import { classify, type NewHistory, type NewObjects, newCommitsOf, readNewHistory } from "./new-history.ts";
import { type PackLimits, PackRefusedError, Quarantine } from "./quarantine.ts";
import { PushReply, type Write } from "./reply.ts";
import { RepositoryBusyError } from "./repository-lock.ts";

export interface ReceivePackPorts extends LandingPorts {
  policies: PolicyEngine;
  signatures: CommitSignatures;
  now(): Date;
  /** Hears of events that are safe in the journal but not written yet. */
  onPendingEvents?(repository: BackendRepository): void;
  onFailure?(error: unknown): void;
}

export interface PushContext {
  repository: BackendRepository;
  view: RepositoryView;
  actor: Identity;
  /** Whether the actor may update `repositories/admin`; asked once, when rules are judged. */
  mayBypass(): Promise<boolean>;
  transport: "http" | "ssh";
  backend: string;
  correlationId: string;
  limits: PackLimits;
  /** User name whose `krate.merge=` option is believed. */
  mergeIdentity: string;
  signal: AbortSignal;
}

/** What the server learns about a push for its metrics and log. */
export interface PushSummary {
  refs: number;
  accepted: number;
  evaluationMs: number;
  outcome: "probe" | "refused" | "landed" | "dry-run" | "failed";
}

/** How often a silent stage shows life, in milliseconds (receive.keepAlive). */
const keepAliveEveryMs = 5_000;

/** Serves one push from `input` to `write`. Everything the client can be told is in the answer; only a broken connection throws. */
export async function receivePack(
  input: AsyncIterable<Uint8Array>,
  write: Write,
  context: PushContext,
  ports: ReceivePackPorts,
): Promise<PushSummary> {
  const reader = new PktLineReader(input);
  const request = await readReceivePackRequest(reader);
  if (!request) return { refs: 0, accepted: 0, evaluationMs: 0, outcome: "probe" };
  const reply = new PushReply(write, request);
  const pushId = newPushId(ports.now().getTime());
  const quarantine = new Quarantine(context.repository, pushId);
  const alive = setInterval(() => {
    // A connection that is gone shows at the next real write.
    reply.keepAlive().catch(() => undefined);
  }, keepAliveEveryMs);
  try {
    return await new Push(pushId, request, reader, quarantine, reply, context, ports).run();
  } catch (error) {
    if (context.signal.aborted) throw error;
    const text = clientText(error);
    if (text === undefined) ports.onFailure?.(error);
    const message = text ?? `the server failed; correlation id ${context.correlationId}`;
    await reply.finish({
      unpackError: message,
      refs: request.commands.map(({ ref }) => ({ ref, ok: false, message })),
    });
    return {
      refs: request.commands.length,
      accepted: 0,
      evaluationMs: 0,
      outcome: text === undefined ? "failed" : "refused",
    };
  } finally {
    clearInterval(alive);
    await quarantine.discard();
  }
}

/** Errors whose text was written for the client. */
function clientText(error: unknown): string | undefined {
  if (error instanceof EventsNotWrittenError)
    return `the push could not be recorded and nothing was changed: ${error.message}`;
  const known =
    error instanceof PackRefusedError || error instanceof ProtocolError || error instanceof RepositoryBusyError;
  return known ? error.message : undefined;
}

/** A command with what became known of it. `refusal` is set by the gateway itself, `decision` by the policies. */
interface Update {
  command: RefCommand;
  refusal?: { rule: string; message: string };
  action: GitEventRecord["spec"]["action"];
  isFastForward: boolean;
  decision?: RefDecision;
}

class Push {
  readonly #pushId: string;
  readonly #request: ReceivePackRequest;
  readonly #reader: PktLineReader;
  readonly #quarantine: Quarantine;
  readonly #reply: PushReply;
  readonly #context: PushContext;
  readonly #ports: ReceivePackPorts;
  readonly #receivedAt: Date;
  #facts: PushFactsReader | undefined;
  /** What the policies judged. */
  #judged: PushFacts | undefined;

  constructor(
    pushId: string,
    request: ReceivePackRequest,
    reader: PktLineReader,
    quarantine: Quarantine,
    reply: PushReply,
    context: PushContext,
    ports: ReceivePackPorts,
  ) {
    this.#pushId = pushId;
    this.#request = request;
    this.#reader = reader;
    this.#quarantine = quarantine;
    this.#reply = reply;
    this.#context = context;
    this.#ports = ports;
    this.#receivedAt = ports.now();
  }

  async run(): Promise<PushSummary> {
    try {
      return await this.#stages();
    } finally {
      this.#facts?.close();
    }
  }

  async #stages(): Promise<PushSummary> {
    const { capabilities, pushOptions } = this.#request;
    const { small } = await this.#storePack();
    await this.#ports.checkpoint?.("store");
    const [objects, refs] = await Promise.all([this.#connectedHistory(small), this.#refCount()]);
    const { history } = objects;
    const updates = await this.#classifyAll(history, refs);
    const started = performance.now();
    await this.#evaluate(updates, objects);
    const evaluationMs = Math.round((performance.now() - started) * 10) / 10;
    if (capabilities.has("atomic")) refuseTogether(updates);
    await this.#ports.checkpoint?.("evaluate");
    const dryRun = pushOptions.includes("dry-run");
    for (const { decision } of updates) if (decision) await this.#reply.say(explainDecision(decision));
    if (dryRun) return this.#reportDryRun(updates, evaluationMs);
    return this.#land(updates, history, evaluationMs);
  }

  async #storePack(): Promise<{ small: boolean }> {
    if (this.#request.commands.every(({ newId }) => isZeroObjectId(newId))) return { small: true };
    const { limits, signal } = this.#context;
    const onProgress = this.#reply.wantsProgress
      ? (text: string) => void this.#reply.progress(text).catch(() => undefined)
      : undefined;
    return this.#quarantine.store(this.#reader, limits, { signal, onProgress });
  }

  /** The new commits, once it is certain that everything the new tips reach is there. */
  async #connectedHistory(small: boolean): Promise<NewObjects> {
    const tips = [...new Set(this.#request.commands.map(({ newId }) => newId).filter((id) => !isZeroObjectId(id)))];
    if (tips.length === 0) return { history: new Map(), others: [] };
    const { limits, signal } = this.#context;
    try {
      return await readNewHistory(
        tips,
        { ...this.#quarantine.read, signal, timeoutMs: limits.packTimeoutMs },
        { small },
      );
    } catch (error) {
      if (!(error instanceof GitError) || error.failure !== "exit") throw error;
      throw new PackRefusedError("missing necessary objects: the push does not bring everything its refs need", {
        cause: error,
      });
    }
  }

  /** How many refs there are; 0 for a push that creates none, for then it does not matter. */
  async #refCount(): Promise<number> {
    if (!this.#request.commands.some(({ oldId }) => isZeroObjectId(oldId))) return 0;
    const { repository, limits } = this.#context;
    return countRefs({ gitDir: repository.gitDir }, limits.maxRefs);
  }

  /** The old values are the client's; whether they hold is decided when the refs are locked, and told earlier only to a dry run. */
  async #classifyAll(history: NewHistory, refCount: number): Promise<Update[]> {
    const { commands, pushOptions } = this.#request;
    const isOperator = this.#context.actor.user === this.#context.mergeIdentity;
    const [types, current] = await Promise.all([
      this.#typesOfBranchTips(history),
      pushOptions.includes("dry-run")
        ? readRefs(
            commands.map(({ ref }) => ref),
            { gitDir: this.#context.repository.gitDir },
          )
        : undefined,
    ]);
    const updates: Update[] = [];
    const { maxRefs } = this.#context.limits;
    let free = maxRefs - refCount;
    for (const command of commands) {
      const now = current?.get(command.ref) ?? (current ? zeroObjectId : command.oldId);
      let refusal = refusalOf(command, { current: now, types, view: this.#context.view, isOperator });
      if (!refusal && isZeroObjectId(command.oldId) && free-- <= 0) {
        const message = `the repository holds ${refCount} refs and may hold no more than ${maxRefs}; delete refs that nobody needs`;
        refusal = { rule: "ref-count", message };
      }
      const known = refusal
        ? { action: plainAction(command), isFastForward: false }
        : await classify(command, history, this.#quarantine.read);
      updates.push({ command, refusal, ...known });
    }
    return updates;
  }

  /** Object types of what is to become a branch and is not among the new commits: only commits may. */
  async #typesOfBranchTips(history: NewHistory): Promise<Map<string, string>> {
    const ids = this.#request.commands
      .filter(({ ref, newId }) => ref.startsWith("refs/heads/") && !isZeroObjectId(newId) && !history.has(newId))
      .map(({ newId }) => newId);
    if (ids.length === 0) return new Map();
    const { stdout } = await runGit(["cat-file", "--batch-check=%(objectname) %(objecttype)"], {
      ...this.#quarantine.read,
      stdin: `${ids.join("\n")}\n`,
    });
    return new Map(
      stdout
        .toString("latin1")
        .split("\n")
        .map((line) => line.split(" ") as [string, string]),
    );
  }

  async #evaluate(updates: Update[], objects: NewObjects): Promise<void> {
    // Heads of pull requests and candidates of queues are judged where they are merged.
    for (const update of updates)
      if (!update.refusal && isServerRef(update.command.ref))
        update.decision = { ref: update.command.ref, allowed: true, decision: "Accepted", results: [] };
    const judged = updates.filter(({ refusal, decision }) => !refusal && !decision);
    if (judged.length === 0) return;
    const { actor, view, mayBypass } = this.#context;
    const facts = new PushFactsReader({
      namespace: view.namespace,
      defaultBranch: view.defaultBranch,
      ...objects,
      read: this.#quarantine.read,
      quarantineObjects: join(this.#quarantine.path, "objects"),
      signatures: this.#ports.signatures,
    });
    this.#facts = facts;
    this.#judged = {
      namespace: view.namespace,
      repository: view.name,
      actor: { user: actor.user, groups: actor.groups, mayBypass: await mayBypass() },
      mergeOf: this.#mergeOf(),
      objects: facts,
      updates: judged.map(({ command, action, isFastForward }) => facts.of(command, { action, isFastForward })),
    };
    const decisions = await this.#ports.policies.evaluate(this.#judged);
    for (const [index, update] of judged.entries()) update.decision = decisions[index];
  }

  async #reportDryRun(updates: Update[], evaluationMs: number): Promise<PushSummary> {
    const refs: RefStatus[] = updates.map((update) => ({
      ref: update.command.ref,
      ok: false,
      message: isAccepted(update) ? "dry run: would be accepted" : `dry run: would be refused: ${reasonOf(update)}`,
    }));
    await this.#reply.say("dry run: nothing was changed");
    await this.#reply.finish({ refs });
    return { refs: updates.length, accepted: 0, evaluationMs, outcome: "dry-run" };
  }

  async #land(updates: Update[], history: NewHistory, evaluationMs: number): Promise<PushSummary> {
    const { repository } = this.#context;
    const accepted = updates.filter(isAccepted);
    const entry: JournalEntry = {
      version: 1,
      pushId: this.#pushId,
      atomic: this.#request.capabilities.has("atomic"),
      updates: accepted.map(({ command }) => ({
        ref: command.ref,
        newId: command.newId,
        expectedOldId: command.oldId,
      })),
      events: updates.map((update, index) => this.#event(update, index, history, evaluationMs)),
    };
    const { results, pendingEvents, pendingRefs }: Landing =
      accepted.length === 0
        ? { results: [], ...(await recordRefusals(repository, entry, this.#ports)) }
        : await landPush(repository, entry, this.#ports);
    if (pendingEvents || pendingRefs) this.#ports.onPendingEvents?.(repository);
    if (pendingEvents) {
      await this.#reply.say("the push is recorded on disk; its events follow when the API server is back");
    }
    const moved = new Map(results.map((result) => [result.ref, result]));
    const refs = updates.map((update): RefStatus => {
      const result = moved.get(update.command.ref);
      if (!result) return { ref: update.command.ref, ok: false, message: reasonOf(update) };
      return result.ok ? { ref: result.ref, ok: true } : { ref: result.ref, ok: false, message: result.message };
    });
    await this.#tellAfterwards(new Set(refs.filter(({ ok }) => ok).map(({ ref }) => ref)));
    await this.#reply.finish({ refs });
    const landed = refs.filter(({ ok }) => ok).length;
    return { refs: refs.length, accepted: landed, evaluationMs, outcome: landed > 0 ? "landed" : "refused" };
  }

  /** What hooks have to say about the refs that moved. Whatever happens here, they have moved. */
  async #tellAfterwards(landed: ReadonlySet<string>): Promise<void> {
    const updates = this.#judged?.updates.filter(({ ref }) => landed.has(ref)) ?? [];
    if (!this.#judged || updates.length === 0) return;
    try {
      for (const line of await this.#ports.policies.afterwards({ ...this.#judged, updates }))
        await this.#reply.say(line);
    } catch (error) {
      this.#ports.onFailure?.(error);
    }
  }

  #event(update: Update, index: number, history: NewHistory, evaluationMs: number): GitEventRecord {
    const { view, actor, transport, backend, correlationId } = this.#context;
    const { command, refusal, decision, action } = update;
    const own: ShownRule[] = refusal
      ? [{ policy: "git", rule: refusal.rule, decision: "Denied", message: refusal.message }]
      : [];
    const serviceAccount = /^system:serviceaccount:(.+)$/.exec(actor.user)?.[1]?.replace(":", "/");
    const commits = isZeroObjectId(command.newId) ? [] : newCommitsOf(command.newId, history);
    const pullRequest = this.#mergeOf();
    return {
      namespace: view.namespace,
      name: `${view.name}-${this.#pushId}-${index}`,
      spec: {
        organizationRef: view.organization,
        repository: view.name,
        ref: command.ref.slice(0, 255),
        oldSha: command.oldId,
        newSha: command.newId,
        action,
        decision: isAccepted(update) ? (decision?.decision ?? "Accepted") : "Rejected",
        rules: [...(decision?.results ?? []), ...own].slice(0, maxRules).map(shownRule),
        actor: { user: actor.user, groups: actor.groups.slice(0, 256), ...(serviceAccount ? { serviceAccount } : {}) },
        transport,
        backend,
        correlationId,
        ...(pullRequest === undefined ? {} : { pullRequest }),
        commits: commits.length,
        commitSummaries: commits.slice(0, maxSummaries).map(({ id, title, author, at }) => ({
          sha: id,
          title: cut(title),
          author: cut(author),
          at,
        })),
        receivedAt: this.#receivedAt.toISOString(),
        evaluationMs,
      },
    };
  }

  /** The pull request this push merges: only repository-operator is believed. */
  #mergeOf(): string | undefined {
    if (this.#context.actor.user !== this.#context.mergeIdentity) return undefined;
    return this.#request.pushOptions.find((option) => option.startsWith(mergeOption))?.slice(mergeOption.length);
  }
}

const mergeOption = "krate.merge=";
/** Bounds of the GitEvent kind. */
const maxRules = 200;
const maxSummaries = 20;

function cut(text: string): string {
  return text.length > 1024 ? `${text.slice(0, 1021)}...` : text;
}

/** A rule's result as GitEvent records it; what the gateway itself refuses has no remedy beside its message. */
type ShownRule = Omit<RuleResult, "remedy"> & { remedy?: string };

function shownRule({ policy, rule, decision, message, remedy }: ShownRule): ShownRule {
  return { policy, rule, decision, message: cut(message), ...(remedy ? { remedy: cut(remedy) } : {}) };
}

/** What the gateway refuses whatever the policies say. */
function refusalOf(
  command: RefCommand,
  {
    current,
    types,
    view,
    isOperator,
  }: { current: string; types: ReadonlyMap<string, string>; view: RepositoryView; isOperator: boolean },
): { rule: string; message: string } | undefined {
  if (command.problem) return { rule: "ref-name", message: command.problem };
  if (`${command.ref}/`.startsWith(hiddenRefPrefix))
    return { rule: "hidden-ref", message: `refs below ${hiddenRefPrefix} belong to the server` };
  if (isServerRef(command.ref) && !isOperator) return refusalOfServerRef(command.ref);
  if (isZeroObjectId(command.newId) && isZeroObjectId(current))
    return { rule: "expected-old-value", message: "the ref does not exist" };
  if (current !== command.oldId) return { rule: "expected-old-value", message: movedMessage };
  const type = types.get(command.newId);
  if (command.ref.startsWith("refs/heads/") && type !== undefined && type !== "commit") {
    return { rule: "branch-is-commit", message: `a branch must point at a commit, not at a ${type}` };
  }
  if (isZeroObjectId(command.newId) && command.ref === `refs/heads/${view.defaultBranch}`) {
    return {
      rule: "default-branch",
      message: "the default branch cannot be deleted; make another branch the default first",
    };
  }
  return undefined;
}

function refusalOfServerRef(ref: string): { rule: string; message: string } {
  if (`${ref}/`.startsWith(queueRefPrefix)) {
    const message = `refs below ${queueRefPrefix} belong to the merge queue; set queued on the pull request instead`;
    return { rule: "queue-ref", message };
  }
  const message = "refs below refs/pull/ belong to the server; push to the head branch of the pull request instead";
  return { rule: "pull-request-ref", message };
}

function plainAction(command: RefCommand): Update["action"] {
  if (isZeroObjectId(command.newId)) return "delete";
  return isZeroObjectId(command.oldId) ? "create" : "update";
}

function isAccepted(update: Update): boolean {
  return update.refusal === undefined && update.decision?.allowed === true;
}

function reasonOf(update: Update): string {
  return update.refusal?.message ?? (update.decision ? shortReason(update.decision) : "refused");
}

/** An atomic push with one refused ref moves none. */
function refuseTogether(updates: Update[]): void {
  const guilty = updates.find((update) => !isAccepted(update));
  if (!guilty) return;
  for (const update of updates) {
    if (!isAccepted(update)) continue;
    update.refusal = { rule: "atomic", message: `atomic push failed because "${guilty.command.ref}" was refused` };
  }
}
