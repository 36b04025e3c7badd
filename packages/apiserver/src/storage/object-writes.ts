import { ApiError, alreadyExists, conflict, notFound } from "@krate/kinds";
import { type ChangeType, LogEvent } from "./log-event.ts";
import { type CutBytes, cutStored, detached, type StoredRow, withRevision } from "./row.ts";
import type {
  Change,
  DeleteOptions,
  EncodedObject,
  ObjectKey,
  StoredObject,
  UpdateOptions,
  UpdateResult,
} from "./store.ts";
import type { Tags } from "./tags.ts";

/** One change to one object, for `commit`. */
export interface Write {
  key: ObjectKey;
  change: ChangeType;
  /** The state it replaces: the write happens only while that is the current one. Absent for a creation. */
  previous: StoredRow | undefined;
  bytes: CutBytes;
  tags: Tags;
}

export type CommitOutcome = { done: true; row: StoredRow } | { done: false; current: bigint };

/** The event of a write that was committed. */
export function eventOfWrite({ change, previous }: Write, row: StoredRow): LogEvent {
  const kept = previous && detached(previous);
  const before = kept && {
    tags: kept.tags,
    load: async () => withRevision(kept, row.revision),
    bytesInMemory: kept.bytes.length,
  };
  return new LogEvent(change, row, before);
}

/** What writes need of the store they belong to. */
export interface WriteSource {
  /** `fresh` asks the truth; otherwise a copy in memory will do, since `commit` checks its revision. */
  current(key: ObjectKey, options: { fresh: boolean }): Promise<StoredRow | undefined>;
  commit(write: Write): Promise<CommitOutcome>;
  tags(key: ObjectKey, object: EncodedObject): Promise<Tags>;
}

/** Somebody else's write came between this many times: not contention any more. */
const maxAttempts = 200;

export async function createObject(source: WriteSource, key: ObjectKey, object: EncodedObject): Promise<StoredObject> {
  const tags = await source.tags(key, object);
  const outcome = await source.commit({ key, change: "created", previous: undefined, bytes: object, tags });
  if (!outcome.done) throw alreadyExists(target(key));
  return outcome.row;
}

export async function updateObject(
  source: WriteSource,
  key: ObjectKey,
  { expectedRevision }: UpdateOptions,
  change: (current: StoredObject) => Change | Promise<Change>,
): Promise<UpdateResult> {
  return mutate(source, key, expectedRevision, async (current) => {
    const decided = await change(current);
    if (decided.do === "keep") return undefined;
    return decided.do === "remove" ? removal(current) : replacement(source, current, decided.object);
  });
}

export async function deleteObject(
  source: WriteSource,
  key: ObjectKey,
  { expectedRevision, check }: DeleteOptions = {},
): Promise<StoredObject> {
  const { object } = await mutate(source, key, expectedRevision, async (current) => {
    check?.(current);
    return removal(current);
  });
  return object;
}

/**
 * Decide on a copy, commit on its revision, again when somebody was faster. The copy may be an old one from memory, so a
 * decision that leads to no commit (keep, or an error) only counts when it was made on a fresh one.
 */
async function mutate(
  source: WriteSource,
  key: ObjectKey,
  expectedRevision: bigint | undefined,
  decide: (current: StoredRow) => Promise<Write | undefined>,
): Promise<UpdateResult> {
  let fresh = false;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const current = await source.current(key, { fresh });
    const stale = !current || (expectedRevision !== undefined && current.revision !== expectedRevision);
    if (stale && !fresh) {
      fresh = true;
      continue;
    }
    if (!current) throw notFound(target(key));
    if (stale) throw modified(key);
    let write: Write | undefined;
    try {
      write = await decide(current);
    } catch (error) {
      if (fresh) throw error;
      fresh = true;
      continue;
    }
    if (!write) {
      if (fresh) return { object: current, outcome: "kept" };
      fresh = true;
      continue;
    }
    const outcome = await source.commit(write);
    if (outcome.done) return { object: outcome.row, outcome: write.change === "deleted" ? "removed" : "replaced" };
    fresh = true;
  }
  throw new ApiError("Conflict", `${modified(key).message}; given up after ${maxAttempts} attempts`);
}

async function replacement(source: WriteSource, current: StoredRow, object: EncodedObject): Promise<Write> {
  const tags = await source.tags(current.key, object);
  return { key: current.key, change: "updated", previous: current, bytes: object, tags };
}

function removal(current: StoredRow): Write {
  const { key, tags } = current;
  return { key, change: "deleted", previous: current, bytes: cutStored(current), tags };
}

/** kube-apiserver's words; client-go's retry looks at the reason, people at the text. */
function modified(key: ObjectKey): ApiError {
  return conflict(
    target(key),
    "the object has been modified; please apply your changes to the latest version and try again",
  );
}

export function target({ group, resource, name }: ObjectKey): { group: string; plural: string; name: string } {
  return { group, plural: resource, name };
}
