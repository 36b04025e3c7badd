/**
 * Carrying out a judged push. The steps, in order, each of which may be the last before a crash:
 *
 *   lock       one writer per repository; what an earlier crash left is finished first
 *   journal    the decision is durable; from here on a replay finishes the push
 *   migrate    objects become readable (no ref names them yet); beside the journal
 *   prepare    refs are locked and their old values verified; from here on only a storage failure can stop the push
 *   events     one GitEvent per ref is durable
 *   commit     refs move
 *   forget     the journal entry goes; the client is told
 *
 * Killed before the journal: nothing happened. Killed later: the replay repeats every step, and each is idempotent: migrating
 * finds fewer files, an event that exists counts as written, a ref that already has its new value is done.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type BackendRepository,
  GiteaUnavailableError,
  movedMessage,
  type RefTransaction,
  type RefUpdate,
  type RefUpdateResult,
  readRefs,
  runGit,
  zeroObjectId,
} from "@krate/git";
import { EventsNotWrittenError, type GitEventLog, type GitEventRecord } from "../ports.ts";
import { type JournalEntry, readJournal, removeJournal, setAside, writeJournal } from "./journal.ts";
import { Quarantine } from "./quarantine.ts";
import { withRepositoryLock } from "./repository-lock.ts";

export interface LandingPorts {
  events: GitEventLog;
  /** Called with the name of each step once it is done; the crash tests stop there. */
  checkpoint?(step: string): Promise<void>;
  /** Hears of an entry that was set aside because the API refuses its events for good. */
  onUnrecorded?(entry: JournalEntry, error: Error): void;
}

/**
 * What became of a push. `pendingEvents`: the refs moved, the events are safe in the journal and follow later; `pendingRefs`: the other
 * way round, because the backend went away in the middle.
 */
export interface Landing {
  results: RefUpdateResult[];
  pendingEvents: boolean;
  pendingRefs?: boolean;
}

/** Rule named in the event of a ref that lost a race, or that the backend could not move. */
const ownRule = (rule: "expected-old-value" | "backend-available") =>
  ({ policy: "git", rule, decision: "Denied" }) as const;

/**
 * Lands a push. `entry.updates` are the accepted ones.
 * @throws {EventsNotWrittenError} when the events could not be recorded and therefore nothing was changed.
 */
export async function landPush(
  repository: BackendRepository,
  entry: JournalEntry,
  ports: LandingPorts,
): Promise<Landing> {
  return withRepositoryLock(repository.workDir, async () => {
    await replayLocked(repository, ports);
    return carryOut(repository, entry, ports);
  });
}

/** Finishes every unfinished push of a repository. Answers how many there were. */
export async function replayJournal(repository: BackendRepository, ports: LandingPorts): Promise<number> {
  if ((await readJournal(repository)).length === 0) return 0;
  return withRepositoryLock(repository.workDir, () => replayLocked(repository, ports));
}

async function replayLocked(repository: BackendRepository, ports: LandingPorts): Promise<number> {
  const entries = await readJournal(repository);
  for (const entry of entries) {
    try {
      await replay(repository, entry, ports);
    } catch (error) {
      if (error instanceof EventsNotWrittenError && error.permanent) {
        await setAside(repository, entry.pushId);
        ports.onUnrecorded?.(entry, error);
        continue;
      }
      throw new EventsNotWrittenError("an earlier push to this repository could not be finished yet", {
        permanent: false,
        cause: error,
      });
    }
  }
  return entries.length;
}

/** Records a push of which every ref was refused: nothing moves, so the journal is only needed when the API is away. */
export async function recordRefusals(
  repository: BackendRepository,
  entry: JournalEntry,
  ports: LandingPorts,
): Promise<{ pendingEvents: boolean }> {
  try {
    await ports.events.append(entry.events);
    return { pendingEvents: false };
  } catch (error) {
    if (error instanceof EventsNotWrittenError && error.permanent) {
      ports.onUnrecorded?.(entry, error);
      return { pendingEvents: false };
    }
    await writeJournal(repository, entry);
    return { pendingEvents: true };
  }
}

async function carryOut(repository: BackendRepository, entry: JournalEntry, ports: LandingPorts): Promise<Landing> {
  const step = async (name: string) => ports.checkpoint?.(name);
  const transaction = begin(repository, entry, entry.updates);
  try {
    // Side by side: objects that move before the journal is durable are garbage after a crash, nothing more.
    await Promise.all([
      writeJournal(repository, entry).then(() => step("journal")),
      new Quarantine(repository, entry.pushId).migrate(),
    ]);
    await step("migrate");
  } catch (error) {
    await transaction.abort();
    throw error;
  }
  const { results, prepared } = await prepare(repository, entry, transaction);
  await step("prepare");
  const events = entry.events.map((event) => outcomeOf(event, results));
  let pendingEvents = false;
  try {
    await ports.events.append(events);
  } catch (error) {
    if (error instanceof EventsNotWrittenError || !prepared) {
      await prepared?.abort();
      await removeJournal(repository, entry.pushId);
      throw error;
    }
    // Some of the events may exist, so the push cannot be undone without making them lie: go forward and write the rest later.
    pendingEvents = true;
  }
  await step("events");
  try {
    await prepared?.commit();
  } catch (error) {
    if (!(error instanceof GiteaUnavailableError)) throw error;
    // Whatever moved has moved, and the events say that all did: the journal is replayed until that is true.
    return { results: results.map(asPending), pendingEvents: false, pendingRefs: true };
  }
  await step("commit");
  if (!pendingEvents) await removeJournal(repository, entry.pushId);
  await step("forget");
  return { results, pendingEvents };
}

function asPending(result: RefUpdateResult): RefUpdateResult {
  if (!result.ok) return result;
  const message = "the Git backend went away; the push is recorded and will be finished when it is back";
  return { ref: result.ref, ok: false, failure: "unavailable", message };
}

function begin(repository: BackendRepository, entry: JournalEntry, updates: readonly RefUpdate[]): RefTransaction {
  return repository.beginRefTransaction(updates, { reason: `push ${entry.pushId}` });
}

/** Locks what can be locked: all or nothing for an atomic push, otherwise as many refs as possible. `first` is for all updates. */
async function prepare(repository: BackendRepository, entry: JournalEntry, first: RefTransaction) {
  const results = new Map<string, RefUpdateResult>();
  let open: RefUpdate[] = entry.updates;
  for (let transaction = first; ; transaction = begin(repository, entry, open)) {
    const outcome = await transaction.prepare();
    const failed = outcome.filter((result) => !result.ok);
    if (failed.length === 0) {
      for (const result of outcome) results.set(result.ref, result);
      return { results: ordered(entry, results), prepared: transaction };
    }
    // git names the first ref it could not lock; the others failed with it and get another try without it.
    const guilty = failed.filter((result) => !result.ok && result.failure !== "sibling");
    const out = entry.atomic || guilty.length === 0 ? failed : guilty;
    for (const result of out) results.set(result.ref, result);
    open = open.filter(({ ref }) => !out.some((result) => result.ref === ref));
    if (open.length === 0) return { results: ordered(entry, results), prepared: undefined };
  }
}

function ordered(entry: JournalEntry, results: ReadonlyMap<string, RefUpdateResult>): RefUpdateResult[] {
  return entry.updates.map(({ ref }) => results.get(ref) ?? { ref, ok: false, failure: "other", message: "not moved" });
}

/** An accepted event whose ref could not be locked becomes a refused one. */
function outcomeOf(event: GitEventRecord, results: readonly RefUpdateResult[]): GitEventRecord {
  const result = results.find(({ ref }) => ref === event.spec.ref);
  if (!result || result.ok) return event;
  const rule = ownRule(result.failure === "unavailable" ? "backend-available" : "expected-old-value");
  const rules = [...(event.spec.rules ?? []), { ...rule, message: result.message }];
  return { ...event, spec: { ...event.spec, decision: "Rejected", rules } };
}

/** Repeats an unfinished push. The caller holds the lock, so nothing moves meanwhile. */
async function replay(repository: BackendRepository, entry: JournalEntry, ports: LandingPorts): Promise<void> {
  const quarantine = new Quarantine(repository, entry.pushId);
  await quarantine.migrate();
  const read = { gitDir: repository.gitDir };
  const current = await readRefs(
    entry.updates.map(({ ref }) => ref),
    read,
  );
  const open: RefUpdate[] = [];
  const results: RefUpdateResult[] = [];
  for (const update of entry.updates) {
    const now = current.get(update.ref) ?? zeroObjectId;
    if (
      now === update.newId ||
      (now !== update.expectedOldId && (await wasMoved(update.ref, entry.pushId, repository)))
    ) {
      results.push({ ref: update.ref, ok: true });
    } else if (now === update.expectedOldId) open.push(update);
    else results.push({ ref: update.ref, ok: false, failure: "moved", message: movedMessage });
  }
  const { results: moved, prepared } = await prepareAgain(repository, { ...entry, updates: open });
  const away = moved.find((result) => !result.ok && result.failure === "unavailable");
  if (away && !away.ok) {
    await prepared?.abort();
    throw new GiteaUnavailableError(away.message);
  }
  await ports.events.append(entry.events.map((event) => outcomeOf(event, [...results, ...moved])));
  await prepared?.commit();
  await removeJournal(repository, entry.pushId);
  await quarantine.discard();
}

/**
 * Prepares, and when locks are in the way that outlive git's own waiting, removes them first: the process that held them was
 * killed with the gateway, for whoever writes refs holds the repository lock, and that is us.
 */
async function prepareAgain(repository: BackendRepository, entry: JournalEntry) {
  if (entry.updates.length === 0) return { results: [], prepared: undefined };
  const first = await prepare(repository, entry, begin(repository, entry, entry.updates));
  if (!first.results.some((result) => !result.ok && result.failure === "locked")) return first;
  await first.prepared?.abort();
  for (const { ref } of entry.updates) await rm(join(repository.gitDir, `${ref}.lock`), { force: true });
  await rm(join(repository.gitDir, "packed-refs.lock"), { force: true });
  return prepare(repository, entry, begin(repository, entry, entry.updates));
}

/** Whether this push moved the ref once, by the ref's log: somebody may have moved it on since. */
async function wasMoved(ref: string, pushId: string, repository: BackendRepository): Promise<boolean> {
  const { stdout } = await runGit(["log", "--walk-reflogs", "--format=%gs", "--max-count=1000", ref, "--"], {
    gitDir: repository.gitDir,
    okExitCodes: [0, 128],
  });
  return stdout.toString("utf8").split("\n").includes(`push ${pushId}`);
}
