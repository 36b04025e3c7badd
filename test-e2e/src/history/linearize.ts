/**
 * Linearizability. Writes stand where their revision puts them, so what is left to find is a place for every other request
 * between its invocation and its answer at which its answer was true, in one order with everything that was over before it.
 *
 * Places only have a lower bound each, so giving every request, in order of invocation, the earliest place that fits is
 * exact: if that fails, no order exists.
 */
import { isWrite, type Operation, type Recording, type Write } from "./record.ts";
import { type Change, changeAt, inWords, type Report, type Timeline } from "./timeline.ts";

interface Bound {
  place: number;
  /** What makes it so. */
  why: string;
}

type Point = { at: number; order: 0 | 1 } & ({ invoke: Operation } | { complete: Operation } | { told: Bound });

export function checkOrder(recording: Recording, timeline: Timeline, report: Report): void {
  const places = new Map<string, number>();
  let bound: Bound = { place: 0, why: "the start of the run" };
  for (const point of pointsOf(recording)) {
    if ("invoke" in point) {
      const place = placeOf(point.invoke, bound, timeline, report);
      if (place !== undefined) places.set(point.invoke.id, place);
    } else {
      const next = "told" in point ? point.told : boundOf(point.complete, places);
      if (next && next.place > bound.place) bound = next;
    }
  }
}

/** In order of time; what happens in the same instant counts as concurrent: invocations first. */
function pointsOf(recording: Recording): Point[] {
  const points: Point[] = [];
  for (const operation of recording.operations) {
    points.push({ at: operation.invoked, order: 0, invoke: operation });
    if (operation.completed !== undefined) points.push({ at: operation.completed, order: 1, complete: operation });
  }
  for (const { id, told } of recording.sessions) {
    for (const each of told) {
      const place = each.type === "BOOKMARK" ? each.revision : each.object.revision;
      points.push({
        at: each.at,
        order: 1,
        told: { place, why: `session ${id} was told revision ${place} at ${each.at.toFixed(1)} ms` },
      });
    }
  }
  return points.sort((a, b) => a.at - b.at || a.order - b.order);
}

function boundOf(operation: Operation, places: ReadonlyMap<string, number>): Bound | undefined {
  const place = places.get(operation.id);
  return place === undefined ? undefined : { place, why: `${inWords(operation)} was over, with revision ${place}` };
}

/** The earliest place; undefined when the answer says nothing about the order. */
function placeOf(operation: Operation, bound: Bound, timeline: Timeline, report: Report): number | undefined {
  if (operation.verb === "list") return placeOfList(operation, bound, report);
  const written = timeline.byWrite.get(operation.id);
  if (written) {
    if (written.revision <= bound.place)
      report(
        "not linearizable",
        `${inWords(operation)} got revision ${written.revision}, although before it began ${bound.why}`,
      );
    return written.revision;
  }
  const truth = claimOf(operation);
  if (truth === undefined) return undefined;
  const changes = timeline.byKey.get(`${operation.resource} ${operation.key}`) ?? [];
  const place = firstPlace(changes, bound.place, truth.holds);
  if (place === undefined)
    report(
      "stale read",
      `${inWords(operation)} says ${truth.text}, which was no longer true: before it began ${bound.why}`,
    );
  return place;
}

function placeOfList(list: Operation & { verb: "list" }, bound: Bound, report: Report): number | undefined {
  const revision = list.revisions[0];
  if (list.outcome !== "ok" || revision === undefined || list.resourceVersion !== "") return undefined;
  if (revision < bound.place)
    report("stale read", `${inWords(list)} is of revision ${revision}, although before it began ${bound.why}`);
  return revision;
}

interface Claim {
  text: string;
  /** Of the newest change of the object at a place; undefined when there was none yet. */
  holds: (change: Change | undefined) => boolean;
}

const isThere = (change: Change | undefined): boolean => change !== undefined && change.type !== "DELETED";

/** What an answer says of the object it is about. */
function claimOf(operation: Exclude<Operation, { verb: "list" }>): Claim | undefined {
  if (operation.outcome === "unknown") return undefined;
  if (operation.verb === "get") {
    const { object } = operation;
    if (operation.outcome !== "ok") return undefined;
    if (object === undefined) return { text: "there is none", holds: (change) => !isThere(change) };
    return {
      text: `it is at ${object.revision}`,
      holds: (change) => isThere(change) && change?.revision === object.revision,
    };
  }
  return operation.outcome === "refused" ? claimOfRefusal(operation) : undefined;
}

function claimOfRefusal({ verb, status, reason, expected }: Write): Claim | undefined {
  if (status === 404) return { text: "there is none", holds: (change) => !isThere(change) };
  if (reason === "AlreadyExists") return { text: "there is one", holds: isThere };
  // A patch or apply without a revision is tried again by the server; when it gives up, that says nothing of one moment.
  if (reason === "Conflict" && expected !== undefined && (verb === "update" || verb === "delete" || verb === "patch"))
    return { text: `it is not at ${expected}`, holds: (change) => !isThere(change) || change?.revision !== expected };
  return undefined;
}

/** The first place from `from` on at which the claim holds. */
function firstPlace(changes: readonly Change[], from: number, holds: Claim["holds"]): number | undefined {
  const now = changeAt(changes, from);
  if (holds(now)) return from;
  for (const change of changes) if (change.revision > from && holds(change)) return change.revision;
  return undefined;
}

export function checkReadContents(recording: Recording, timeline: Timeline, report: Report): void {
  for (const operation of recording.operations) {
    if (isWrite(operation) || operation.verb === "list" || operation.object === undefined) continue;
    const { revision, state } = operation.object;
    const change = changeAt(timeline.byKey.get(`${operation.resource} ${operation.key}`), revision);
    if (change?.revision !== revision || change.type === "DELETED")
      report("unknown state", `${inWords(operation)} shows revision ${revision}, which nobody wrote`);
    else if (
      JSON.stringify(state.color) !== JSON.stringify(change.state.color) ||
      change.state.marks["op"] !== state.marks["op"]
    )
      report("contradiction", `${inWords(operation)} shows another object at revision ${revision} than watches did`);
  }
}
