/**
 * Watches: what a session was told is the history after the revision it began at, as its selector shows it: nothing left
 * out, twice or in another order. A bookmark comes after all it covers. A watcher that resumes goes on where it was.
 */
import { type Bookmark, inScope, type Recording, type Scope, type Seen, type Session, type Told } from "./record.ts";
import { compare, Replay } from "./snapshots.ts";
import { type Change, type Report, sameState, type Timeline } from "./timeline.ts";

/** What a watcher of a scope is told of a change: with a selector, entering it is ADDED, leaving it DELETED. */
interface View {
  type: Told["type"];
  revision: number;
  key: string;
  /** Of DELETED: the last that matched. */
  state: Told["object"]["state"];
}

export function checkStreams(recording: Recording, timeline: Timeline, report: Report): void {
  for (const session of recording.sessions) checkSession(session, recording, timeline, report);
  checkWatchers(recording, report);
}

function checkSession(session: Session, recording: Recording, timeline: Timeline, report: Report): void {
  const { scope } = session;
  const changes = timeline.changes[scope.resource];
  const begun = begin(session, recording, changes, report);
  if (begun === undefined) return;
  const views = viewsAfter(begun.from, scope, changes);
  let position = begun.from;
  for (const told of begun.rest) {
    if (told.type === "BOOKMARK") {
      position = checkBookmark(session, told, views, position, report);
      continue;
    }
    const view = views.shift();
    const problem = compareView(told, view, position);
    if (problem) {
      report(problem.kind, `${nameOf(session)} was told ${showTold(told)} after ${position}: ${problem.text}`);
      return; // what follows is shifted
    }
    position = told.object.revision;
  }
}

/** The initial events, and what comes after them; undefined when they did not come to their end. */
function begin(
  session: Session,
  recording: Recording,
  changes: readonly Change[],
  report: Report,
): { from: number; rest: readonly (Told | Bookmark)[] } | undefined {
  if (session.from !== "initial") return { from: session.from, rest: session.told };
  const end = session.told.findIndex((told) => told.type === "BOOKMARK" && told.initialEventsEnd);
  if (end < 0) return undefined;
  const { revision: from } = session.told[end] as Bookmark;
  const initial = session.told.slice(0, end) as Told[];
  const truth = new Replay(recording.start[session.scope.resource].items, changes).at(from);
  const strange = initial.find(({ type }) => type !== "ADDED");
  if (strange) report("wrong event", `${nameOf(session)} was told ${showTold(strange)} among its initial events`);
  const difference = compare(
    initial.map(({ object }) => object),
    truth,
    session.scope,
  );
  if (difference)
    report("torn list", `${nameOf(session)}: its initial events are not the state at ${from}: ${difference}`);
  return { from, rest: session.told.slice(end + 1) };
}

function viewsAfter(from: number, scope: Scope, changes: readonly Change[]): View[] {
  return changes.filter(({ revision }) => revision > from).flatMap((change) => viewOf(change, scope) ?? []);
}

function viewOf({ type, key, revision, state, stateBefore }: Change, scope: Scope): View | undefined {
  const matched = stateBefore !== undefined && inScope(scope, key, stateBefore);
  const matches = type !== "DELETED" && inScope(scope, key, state);
  if (matches) return { type: matched ? "MODIFIED" : "ADDED", key, revision, state };
  return matched ? { type: "DELETED", key, revision, state: stateBefore } : undefined;
}

function checkBookmark(
  session: Session,
  { revision }: Bookmark,
  views: readonly View[],
  position: number,
  report: Report,
): number {
  const next = views[0];
  if (next && next.revision <= revision)
    report("gap", `${nameOf(session)} got a bookmark ${revision} without having been told ${showView(next)}`);
  if (revision < position)
    report("reordered", `${nameOf(session)} got a bookmark ${revision} after revision ${position}`);
  return Math.max(position, revision);
}

function compareView(
  { type, object }: Told,
  view: View | undefined,
  position: number,
): { kind: string; text: string } | undefined {
  const { key, revision, state } = object;
  if (revision === position) return { kind: "duplicate", text: "it was told that before" };
  if (revision < position) return { kind: "reordered", text: "it was past that" };
  if (view === undefined) return { kind: "unknown event", text: "nothing more happened" };
  if (revision > view.revision) return { kind: "gap", text: `${showView(view)} was left out` };
  if (revision < view.revision) return { kind: "unknown event", text: `next was ${showView(view)}` };
  if (key !== view.key || type !== view.type || !sameState(state, view.state))
    return { kind: "wrong event", text: `it must be ${showView(view)}` };
  return undefined;
}

/** Sessions of a watcher follow each other, and in the end it has been told everything. */
function checkWatchers(recording: Recording, report: Report): void {
  for (const [watcher, sessions] of Map.groupBy(recording.sessions, ({ watcher }) => watcher)) {
    const { resource } = (sessions[0] as Session).scope;
    const last = Math.max(...sessions.map(positionOf));
    if (last < recording.end[resource])
      report(
        "stuck",
        `watcher ${watcher} came to revision ${last} only, not to the end of the run at ${recording.end[resource]}`,
      );
  }
}

/** How far a session came; a new one may begin there. */
export function positionOf({ from, told }: Session): number {
  const last = told.at(-1);
  if (last === undefined) return from === "initial" ? 0 : from;
  return last.type === "BOOKMARK" ? last.revision : last.object.revision;
}

const showTold = ({ type, object }: Told) => `${type} ${showSeen(object)}`;
const showSeen = ({ key, revision, state }: Seen) => `${key}@${revision} (${state.marks["op"] ?? "-"})`;
const showView = ({ type, key, revision, state }: View) => `${type} ${showSeen({ key, revision, state })}`;

function nameOf({ id, watcher, replica, scope, from }: Session): string {
  return `session ${id} of watcher ${watcher} (replica ${replica}, ${JSON.stringify(scope)}, from ${from})`;
}
