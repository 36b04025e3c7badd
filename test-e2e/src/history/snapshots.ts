/** Lists: each is the state at exactly the revision it names, all pages of it, and of the age that was asked for. */
import { inScope, type List, type Recording, resources, type Scope, type Seen } from "./record.ts";
import { type Change, inWords, type Report, sameState, type Timeline } from "./timeline.ts";

/** Objects of a resource at rising revisions. */
export class Replay {
  readonly #changes: readonly Change[];
  readonly #objects = new Map<string, Seen>();
  #next = 0;

  constructor(start: readonly Seen[], changes: readonly Change[]) {
    for (const seen of start) this.#objects.set(seen.key, seen);
    this.#changes = changes;
  }

  /** Never call it with a lower revision than before. */
  at(revision: number): ReadonlyMap<string, Seen> {
    for (; ; this.#next++) {
      const change = this.#changes[this.#next];
      if (change === undefined || change.revision > revision) return this.#objects;
      if (change.type === "DELETED") this.#objects.delete(change.key);
      else this.#objects.set(change.key, { key: change.key, revision: change.revision, state: change.state });
    }
  }
}

export function checkLists(recording: Recording, timeline: Timeline, report: Report): void {
  for (const resource of resources) {
    const lists = recording.operations.filter(
      (each): each is List =>
        each.verb === "list" && each.resource === resource && each.outcome === "ok" && each.revisions.length > 0,
    );
    const replay = new Replay(recording.start[resource].items, timeline.changes[resource]);
    for (const list of lists.toSorted((a, b) => revisionOf(a) - revisionOf(b))) {
      checkAge(list, report);
      const difference = compare(list.items, replay.at(revisionOf(list)), list.scope);
      if (difference)
        report("torn list", `${inWords(list)} is not the state at its revision ${revisionOf(list)}: ${difference}`);
    }
  }
}

const revisionOf = (list: List): number => list.revisions[0] ?? 0;

function checkAge(list: List, report: Report): void {
  const revision = revisionOf(list);
  if (list.revisions.some((each) => each !== revision))
    report("torn list", `${inWords(list)} has pages of revisions ${list.revisions.join(", ")}`);
  const asked = Number(list.resourceVersion);
  if (asked > 0 && (list.exact ? revision !== asked : revision < asked))
    report(
      "wrong revision",
      `${inWords(list)} is of revision ${revision}, asked for ${list.exact ? "exactly" : "not older than"} ${asked}`,
    );
}

/** What differs, in words; undefined when nothing does. */
export function compare(items: readonly Seen[], truth: ReadonlyMap<string, Seen>, scope: Scope): string | undefined {
  const wanted = [...truth.values()].filter(({ key, state }) => inScope(scope, key, state));
  const listed = new Map(items.map((item) => [item.key, item]));
  const differences: string[] = [];
  if (listed.size !== items.length) differences.push("an object stands in it twice");
  for (const each of wanted) {
    const item = listed.get(each.key);
    listed.delete(each.key);
    if (item === undefined) differences.push(`${each.key}@${each.revision} is missing`);
    else if (item.revision !== each.revision)
      differences.push(`${each.key} is shown at ${item.revision} instead of ${each.revision}`);
    else if (!sameState(item.state, each.state)) differences.push(`${each.key}@${each.revision} is shown differently`);
  }
  for (const extra of listed.values()) differences.push(`${extra.key}@${extra.revision} does not belong to it`);
  return differences.length === 0 ? undefined : differences.join("; ");
}
