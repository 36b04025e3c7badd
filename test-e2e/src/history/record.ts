/** What a run leaves behind for the checker: every request with its times and answer, and all that watches were told. */

/** An object as the checker sees it: which writes it bears, which colour it is selected by, under which resourceVersion. */
export interface Seen {
  /** `namespace/name` */
  key: string;
  revision: number;
  state: State;
}

/**
 * Annotations `history.test/<mark>`, each the id of the operation that set it last; `op` is that of the last write. Empty for
 * objects that are not of this run.
 */
export interface State {
  marks: Readonly<Record<string, string>>;
  color: string;
}

export type Resource = "configmaps" | "issues";
export const resources: readonly Resource[] = ["configmaps", "issues"];

/** Which objects of a resource a list or watch is about. */
export interface Scope {
  resource: Resource;
  namespace?: string;
  color?: string;
}

/**
 * - `ok`: answered with success
 * - `refused`: the server says that nothing was written
 * - `unknown`: no answer, or one that leaves it open
 */
export type Outcome = "ok" | "refused" | "unknown";

interface OperationBase {
  /** Unique; what its write is recognised by. */
  id: string;
  client: number;
  replica: number;
  resource: Resource;
  /** Milliseconds of one clock for the whole run. */
  invoked: number;
  /** Absent when the outcome is unknown: it may still take effect later. */
  completed?: number;
  outcome: Outcome;
  /** Of HTTP; 0 without an answer. */
  status: number;
  reason?: string;
}

export interface Write extends OperationBase {
  verb: "create" | "update" | "patch" | "apply" | "delete";
  key: string;
  /** The resourceVersion it was made conditional on. Always there for `update` and `delete`. */
  expected?: number;
  /** Marks and colour it sets; `create` and `update` replace all, `patch` and `apply` add. */
  sets: State;
  /** The answer of all but `delete`. */
  object?: Seen;
}

export interface Get extends OperationBase {
  verb: "get";
  key: string;
  /** Absent with outcome `ok`: there was none (404). */
  object?: Seen;
}

export interface List extends OperationBase {
  verb: "list";
  scope: Scope;
  /** "": consistent. "0": any state. Else not older than, or with `exact` at, this revision. */
  resourceVersion: string;
  exact: boolean;
  /** resourceVersion of each page. */
  revisions: number[];
  items: Seen[];
}

export type Operation = Write | Get | List;

export interface Told {
  type: "ADDED" | "MODIFIED" | "DELETED";
  /** When it arrived. */
  at: number;
  object: Seen;
}

export interface Bookmark {
  type: "BOOKMARK";
  at: number;
  revision: number;
  initialEventsEnd: boolean;
}

/** One watch request, from its start to its end. A watcher resumes: its sessions follow each other. */
export interface Session {
  id: string;
  watcher: string;
  replica: number;
  scope: Scope;
  /** Events after this revision; `initial`: first the current state (`sendInitialEvents`). */
  from: number | "initial";
  told: (Told | Bookmark)[];
  /** How it ended: `clean`, `broken`, `410`, or another status. */
  end: string;
}

export interface Fault {
  at: number;
  what: string;
}

export interface Recording {
  seed: number;
  /** What there was when the run began: revision and all objects, of each resource. */
  start: Record<Resource, { revision: number; items: Seen[] }>;
  operations: Operation[];
  sessions: Session[];
  faults: Fault[];
  /** Every watcher must have been told everything up to here. */
  end: Record<Resource, number>;
}

export function isWrite(operation: Operation): operation is Write {
  return operation.verb !== "get" && operation.verb !== "list";
}

export function inScope({ namespace, color }: Scope, key: string, state: State): boolean {
  return (namespace === undefined || key.startsWith(`${namespace}/`)) && (color === undefined || state.color === color);
}
