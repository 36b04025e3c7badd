/**
 * The one history a run had, put together from all accounts of it: events that watches delivered and answers of writes. Where
 * two accounts contradict each other, or an event follows from no request, that is a violation.
 */
import {
  isWrite,
  type Operation,
  type Recording,
  type Resource,
  resources,
  type Seen,
  type State,
  type Told,
  type Write,
} from "./record.ts";

/** One commit of one object. */
export interface Change {
  revision: number;
  resource: Resource;
  type: Told["type"];
  key: string;
  /** After it; of a deletion, before it. */
  state: State;
  /** The object's revision before it; undefined when there was none. */
  before: number | undefined;
  stateBefore: State | undefined;
  /** The next change of the same object. */
  next: number;
  /** The request it came from; undefined for objects that are not of this run. */
  by?: Write;
}

export interface Timeline {
  /** In order of revision. */
  changes: Record<Resource, Change[]>;
  /** By `resource key`, in order of revision; the first one may be a state from before the run (type ADDED). */
  byKey: ReadonlyMap<string, Change[]>;
  /** The change of each write that had one. */
  byWrite: ReadonlyMap<string, Change>;
}

export interface Violation {
  /** What kind of promise was broken. */
  kind: string;
  /** A sentence with everything needed to see it. */
  text: string;
}

export type Report = (kind: string, text: string) => void;

interface Account {
  type: Told["type"] | undefined;
  object: Seen;
  from: string;
}

export function buildTimeline(recording: Recording, report: Report): Timeline {
  const changes = {} as Record<Resource, Change[]>;
  const byKey = new Map<string, Change[]>();
  for (const resource of resources) {
    const accounts = collectAccounts(recording, resource, report);
    changes[resource] = replay(recording, resource, accounts, byKey, report);
  }
  return { changes, byKey, byWrite: attribute(recording, changes, report) };
}

/** Everything that was said of each revision, by anybody. */
function collectAccounts(recording: Recording, resource: Resource, report: Report): Map<number, Account> {
  const accounts = new Map<number, Account>();
  const { revision: start } = recording.start[resource];
  const add = (account: Account) => {
    const { revision, key } = account.object;
    if (revision <= start) return;
    const known = accounts.get(revision);
    if (known === undefined) accounts.set(revision, account);
    else {
      if (known.type !== undefined && account.type !== undefined && known.type !== account.type)
        report(
          "contradiction",
          `${resource} ${key}@${revision} is ${known.type} for ${known.from} and ${account.type} for ${account.from}`,
        );
      if (known.object.key !== key || !sameState(known.object.state, account.object.state))
        report(
          "contradiction",
          `${resource} revision ${revision} is ${show(known.object)} for ${known.from} and ${show(account.object)} for ${account.from}`,
        );
      known.type ??= account.type;
    }
  };
  for (const session of recording.sessions) {
    // What a selector shows of a change is checked later: entering it is ADDED, leaving it shows the state before.
    if (session.scope.resource !== resource || session.scope.color !== undefined) continue;
    for (const [index, told] of session.told.entries()) {
      if (told.type === "BOOKMARK") continue;
      if (session.from === "initial" && !session.told.slice(0, index).some(endsInitialEvents)) continue;
      add({ type: told.type, object: told.object, from: `session ${session.id}` });
    }
  }
  for (const operation of recording.operations) {
    if (!isWrite(operation) || operation.resource !== resource || operation.object === undefined) continue;
    add({ type: undefined, object: operation.object, from: `the answer of ${operation.id}` });
  }
  return accounts;
}

function endsInitialEvents(told: Session["told"][number]): boolean {
  return told.type === "BOOKMARK" && told.initialEventsEnd;
}
type Session = Recording["sessions"][number];

function replay(
  recording: Recording,
  resource: Resource,
  accounts: ReadonlyMap<number, Account>,
  byKey: Map<string, Change[]>,
  report: Report,
): Change[] {
  const last = new Map<string, Change>();
  const push = (change: Change) => {
    const previous = last.get(change.key);
    if (previous) previous.next = change.revision;
    last.set(change.key, change);
    const all = byKey.get(`${resource} ${change.key}`);
    if (all) all.push(change);
    else byKey.set(`${resource} ${change.key}`, [change]);
  };
  const unborn = { before: undefined, stateBefore: undefined, next: Number.POSITIVE_INFINITY };
  for (const { key, revision, state } of recording.start[resource].items)
    push({ resource, type: "ADDED", key, revision, state, ...unborn });
  const changes: Change[] = [];
  for (const [revision, { type: told, object, from }] of [...accounts].sort(([a], [b]) => a - b)) {
    const { key, state } = object;
    const previous = last.get(key);
    const exists = previous !== undefined && previous.type !== "DELETED";
    const type = told ?? (exists ? "MODIFIED" : "ADDED");
    if (exists !== (type !== "ADDED"))
      report(
        "impossible event",
        `${resource} ${key}@${revision} is ${type} (${from}), but it ${exists ? `exists since ${previous?.revision}` : "does not exist then"}`,
      );
    const change: Change = {
      resource,
      type,
      key,
      revision,
      state,
      before: exists ? previous.revision : undefined,
      stateBefore: exists ? previous.state : undefined,
      next: Number.POSITIVE_INFINITY,
    };
    changes.push(change);
    push(change);
  }
  return changes;
}

/** Finds the request behind every change, and the change behind every request that succeeded. */
function attribute(recording: Recording, changes: Record<Resource, Change[]>, report: Report): Map<string, Change> {
  const writes = new Map(recording.operations.filter(isWrite).map((write) => [write.id, write]));
  const deletes = new Map<string, Write[]>();
  for (const write of writes.values()) {
    if (write.verb !== "delete" || write.outcome === "refused") continue;
    const target = `${write.resource} ${write.key}@${write.expected}`;
    deletes.set(target, [...(deletes.get(target) ?? []), write]);
  }
  const byWrite = new Map<string, Change>();
  for (const change of resources.flatMap((resource) => changes[resource])) {
    const id = change.state.marks["op"];
    if (id === undefined) continue;
    const candidates =
      change.type === "DELETED"
        ? (deletes.get(`${change.resource} ${change.key}@${change.before}`) ?? [])
        : [writes.get(id)].filter((write) => write !== undefined);
    const write = candidates.find(({ outcome }) => outcome === "ok") ?? candidates[0];
    if (write === undefined) {
      report("unasked write", `${describe(change)} comes from no request`);
      continue;
    }
    change.by = write;
    checkEffect(change, write, byWrite.get(write.id), report);
    byWrite.set(write.id, change);
  }
  for (const write of writes.values()) checkAnswer(write, byWrite.get(write.id), report);
  return byWrite;
}

function checkEffect(change: Change, write: Write, earlier: Change | undefined, report: Report): void {
  const what = describe(change);
  if (earlier) report("written twice", `${write.id} caused both ${describe(earlier)} and ${what}`);
  if (write.outcome === "refused")
    report(
      "refused but written",
      `${inWords(write)} was refused with ${write.status} ${write.reason ?? ""}, but caused ${what}`,
    );
  if (write.expected !== undefined && write.expected !== change.before)
    report(
      "lost update",
      `${inWords(write)} was conditional on ${write.expected}, but caused ${what}, which follows ${change.before ?? "nothing"}`,
    );
  if (write.verb === "create" && change.before !== undefined)
    report("lost update", `${inWords(write)} caused ${what} over an object that existed`);
  const expected = change.type === "DELETED" ? change.stateBefore : effect(write, change.stateBefore);
  if (expected && !sameState(expected, change.state))
    report(
      "lost update",
      `${inWords(write)} on ${showState(change.stateBefore)} must give ${showState(expected)}, but ${what} is ${showState(change.state)}`,
    );
}

/** What an object is after a write. */
function effect({ verb, sets }: Write, before: State | undefined): State {
  if (verb === "create" || verb === "update" || before === undefined) return sets;
  return { marks: { ...before.marks, ...sets.marks }, color: sets.color || before.color };
}

function checkAnswer(write: Write, change: Change | undefined, report: Report): void {
  if (write.outcome !== "ok") return;
  if (change === undefined)
    report("lost write", `${inWords(write)} was answered with success, but is not in the history`);
  else if (write.object && write.object.revision !== change.revision)
    report(
      "contradiction",
      `${inWords(write)} was answered with revision ${write.object.revision}, but is ${describe(change)}`,
    );
}

export function sameState(one: State, two: State): boolean {
  const keys = Object.keys(one.marks);
  return (
    one.color === two.color &&
    keys.length === Object.keys(two.marks).length &&
    keys.every((key) => one.marks[key] === two.marks[key])
  );
}

/** The change that was the newest of an object at a revision. */
export function changeAt(changes: readonly Change[] | undefined, revision: number): Change | undefined {
  if (changes === undefined) return undefined;
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((changes[middle] as Change).revision > revision) high = middle;
    else low = middle + 1;
  }
  return changes[low - 1];
}

export function describe({ type, resource, key, revision, state }: Change): string {
  return `${type} ${resource} ${key}@${revision} (${state.marks["op"] ?? "not of this run"})`;
}

const show = ({ key, revision, state }: Seen) => `${key}@${revision} ${showState(state)}`;
const showState = (state: State | undefined) =>
  state ? JSON.stringify({ ...state.marks, color: state.color }) : "nothing";

/** A request in words. */
export function inWords(operation: Operation): string {
  const { id, verb, resource, replica, client, invoked, completed } = operation;
  const target = operation.verb === "list" ? JSON.stringify(operation.scope) : operation.key;
  const time = `${invoked.toFixed(1)}–${completed?.toFixed(1) ?? "?"} ms`;
  return `${id} (client ${client}, replica ${replica}, ${time}: ${verb} ${resource} ${target})`;
}
