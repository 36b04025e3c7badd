import { setTimeout as delay } from "node:timers/promises";
import type { RefTransaction, RefUpdate, RefUpdateResult } from "../backend/git-backend.ts";
import { beginNativeRefTransaction, movedMessage } from "../backend/ref-transaction.ts";
import { readRefs } from "../objects/refs.ts";
import { gitText } from "../process/git-process.ts";
import { isZeroObjectId, zeroObjectId } from "../wire/object-id.ts";
import { flushPkt, formatPktLine, parsePktLines } from "../wire/pkt-line.ts";
import { parseReportStatus } from "../wire/report-status.ts";
import { GiteaRefusedError, GiteaUnavailableError } from "./errors.ts";
import type { GiteaServers } from "./gitea-servers.ts";
import type { GiteaName } from "./names.ts";
import { proofOf, proofOption } from "./proof.ts";
import type { Turns } from "./turns.ts";

export interface ForwardingContext {
  servers: GiteaServers;
  name: GiteaName;
  gitDir: string;
  /** The hook's secret. */
  secret(): Promise<string>;
  turns: Turns;
}

/** How often a push that broke off is finished on another process. */
const attempts = 8;
const pauseMs = 500;

/**
 * A transaction that Gitea carries out. `prepare` judges the updates as git itself would, on the volume, and makes sure that a process
 * answers; `commit` sends them to Gitea as a push. Their objects are in the repository already, so the pack is empty. From `prepare`
 * to the end no other transaction of this process comes in between; among processes the gateway's repository lock sees to that.
 */
export function beginForwardedTransaction(
  context: ForwardingContext,
  updates: readonly RefUpdate[],
  reason?: string,
): RefTransaction {
  let dry: RefTransaction | undefined = beginNativeRefTransaction(context.gitDir, updates, reason);
  let endTurn: (() => void) | undefined;
  const end = () => {
    endTurn?.();
    endTurn = undefined;
  };
  return {
    async prepare() {
      const native = dry;
      if (!native) throw new Error("a ref transaction is prepared once");
      dry = undefined;
      endTurn = await context.turns.take(context.gitDir);
      try {
        const results = await judge(native, context, updates);
        if (results.some(({ ok }) => !ok)) end();
        return results;
      } catch (error) {
        end();
        throw error;
      }
    },
    async commit() {
      if (!endTurn) throw new Error("a ref transaction must be prepared before it is committed");
      try {
        await forward(
          context,
          updates.filter(({ ref }) => !ref.startsWith(ownPrefix)),
        );
        await moveOwn(
          context,
          updates.filter(({ ref }) => ref.startsWith(ownPrefix)),
          reason,
        );
      } finally {
        end();
      }
    },
    async abort() {
      await dry?.abort();
      dry = undefined;
      end();
    },
  };
}

/** Gitea lets nobody push there; with its pull requests off nothing of it looks there either. */
const ownPrefix = "refs/pull/";

/** Heads of Krate's pull requests: moved on the volume, after what Gitea moves, so that a repetition finds whatever is left. */
async function moveOwn({ gitDir }: ForwardingContext, updates: readonly RefUpdate[], reason?: string): Promise<void> {
  const open = await unfinished(gitDir, updates);
  if (open.length === 0) return;
  const transaction = beginNativeRefTransaction(gitDir, open, reason);
  const failed = (await transaction.prepare()).find(({ ok }) => !ok);
  if (failed && !failed.ok) throw new GiteaRefusedError(`${failed.ref}: ${failed.message}`, 409);
  await transaction.commit();
}

async function judge(
  native: RefTransaction,
  context: ForwardingContext,
  updates: readonly RefUpdate[],
): Promise<RefUpdateResult[]> {
  const results = await native.prepare();
  await native.abort();
  if (results.some(({ ok }) => !ok)) return results;
  const kept = await keptByGitea(context, updates);
  const refusals = updates.filter(({ ref }) => kept.has(ref));
  if (refusals.length > 0)
    return updates.map(({ ref }) =>
      kept.has(ref)
        ? { ref, ok: false, failure: "other", message: kept.get(ref) ?? "" }
        : { ref, ok: false, failure: "sibling", message: `not moved because "${refusals[0]?.ref}" failed` },
    );
  const order = context.servers.order(keyOf(context.name));
  const away = await Promise.all(order.map((server) => context.servers.isAway(server)));
  if (!away.every(Boolean)) return results;
  const message = "the Git backend is away and nothing was changed; try again in a moment";
  return updates.map(({ ref }) => ({ ref, ok: false, failure: "unavailable", message }));
}

/** Branches Gitea never deletes, whoever asks: the default one, and protected ones. */
async function keptByGitea({ gitDir, servers, name }: ForwardingContext, updates: readonly RefUpdate[]) {
  const kept = new Map<string, string>();
  const doomed = updates.filter(({ ref, newId }) => isZeroObjectId(newId) && ref.startsWith("refs/heads/"));
  if (doomed.length === 0) return kept;
  const head = await gitText(["symbolic-ref", "HEAD"], { gitDir });
  for (const { ref } of doomed) {
    if (ref === head) kept.set(ref, "the default branch cannot be deleted; make another branch the default first");
    const branch = ref.slice("refs/heads/".length).split("/").map(encodeURIComponent).join("/");
    const path = `/repos/${name.owner}/${name.name}/branches/${branch}`;
    const { data } = await servers.api(keyOf(name), "GET", path, { expected: [404] });
    if ((data as { protected?: boolean }).protected === true)
      kept.set(ref, "the Git backend keeps protected branches; remove the BranchProtection first");
  }
  return kept;
}

/**
 * Pushes the updates, all or none. A process that dies meanwhile may have moved them before: what the refs say decides, and what is left
 * is sent to the next one.
 *
 * @throws {GiteaUnavailableError} when no process finished it
 * @throws {GiteaRefusedError} when Gitea says no
 */
async function forward(context: ForwardingContext, updates: readonly RefUpdate[]): Promise<void> {
  let problem: unknown;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await delay(pauseMs);
    const open = await unfinished(context.gitDir, updates);
    if (open.length === 0) return;
    try {
      await push(context, open);
      return;
    } catch (error) {
      if (!(error instanceof GiteaUnavailableError) && !isRace(error)) throw error;
      problem = error;
    }
  }
  throw problem;
}

/** The process that died left its own git running for a moment, which moves the ref or gives up its lock. */
function isRace(error: unknown): boolean {
  return (
    error instanceof GiteaRefusedError &&
    /failed to update ref|cannot lock ref|reference already exists/.test(error.message)
  );
}

async function unfinished(gitDir: string, updates: readonly RefUpdate[]): Promise<RefUpdate[]> {
  const current = await readRefs(
    updates.map(({ ref }) => ref),
    { gitDir },
  );
  const open = updates.filter(({ ref, newId }) => (current.get(ref) ?? zeroObjectId) !== newId);
  const moved = open.find(({ ref, expectedOldId }) => (current.get(ref) ?? zeroObjectId) !== expectedOldId);
  if (moved) throw new GiteaRefusedError(`${moved.ref}: ${movedMessage}`, 409);
  return open;
}

async function push({ servers, name, secret }: ForwardingContext, updates: readonly RefUpdate[]): Promise<void> {
  const proof = proofOf((await secret()).trim(), name, updates);
  const answer = await servers.receivePack(keyOf(name), `${name.owner}/${name.name}`, requestOf(updates, proof));
  if (answer.length === 0) throw new GiteaUnavailableError("Gitea broke off the push without an answer");
  const { unpackError, refs } = parseReportStatus(parsePktLines(answer));
  if (unpackError !== undefined) throw new GiteaRefusedError(`Gitea did not take the push: ${unpackError}`, 422);
  const refused = refs.find(({ ok }) => !ok);
  if (refused && !refused.ok)
    throw new GiteaRefusedError(`Gitea refuses to move "${refused.ref}": ${refused.message}`, 422);
}

/** receive-pack's request (gitprotocol-pack), with no side band so that the answer is the report itself. */
function requestOf(updates: readonly RefUpdate[], proof: string): Buffer {
  const capabilities = "report-status delete-refs atomic push-options agent=krate";
  const commands = updates.map(({ ref, newId, expectedOldId }, index) =>
    formatPktLine(`${expectedOldId} ${newId} ${ref}${index === 0 ? `\0${capabilities}` : ""}`),
  );
  const options = [flushPkt, formatPktLine(`${proofOption}=${proof}`), flushPkt];
  const onlyDeletes = updates.every(({ newId }) => isZeroObjectId(newId));
  return Buffer.concat([...commands, ...options, ...(onlyDeletes ? [] : [emptyPack])]);
}

/** Version 2, no objects, and its checksum. */
const emptyPack = Buffer.from("5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex");

/** What placement hashes. */
export function keyOf({ owner, name }: GiteaName): string {
  return `${owner}/${name}`;
}
