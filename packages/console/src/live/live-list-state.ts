import type { Row } from "./rows.ts";

export interface LiveListState<T extends Row> {
  /** By uid: a name can be used again by another object. */
  rows: ReadonlyMap<string, T>;
  /** Every object that existed at the start has arrived. */
  synced: boolean;
  connected: boolean;
  problem?: { reason: string; message: string };
}

export function emptyList<T extends Row>(): LiveListState<T> {
  return { rows: new Map(), synced: false, connected: true };
}

/** One event of `events.ts` on a list. */
export function reduceLiveList<T extends Row>(
  state: LiveListState<T>,
  { event, data }: { event: "snapshot" | "synced" | "change" | "reset" | "problem"; data: unknown },
): LiveListState<T> {
  switch (event) {
    case "snapshot":
      return {
        ...state,
        connected: true,
        rows: new Map([...state.rows, ...(data as T[]).map((row) => [row.uid, row] as const)]),
      };
    case "synced":
      return { ...state, synced: true };
    case "change":
      return { ...state, rows: changed(state.rows, data as { type: string; row: T }) };
    case "reset":
      return emptyList();
    case "problem":
      return { ...state, connected: false, problem: data as { reason: string; message: string } };
  }
}

function changed<T extends Row>(
  rows: ReadonlyMap<string, T>,
  { type, row }: { type: string; row: T },
): ReadonlyMap<string, T> {
  const next = new Map(rows);
  if (type === "DELETED") next.delete(row.uid);
  else next.set(row.uid, row);
  return next;
}
