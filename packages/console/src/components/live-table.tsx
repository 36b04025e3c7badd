"use client";
import { AlertIcon, SearchIcon } from "@primer/octicons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useDeferredValue, useMemo, useRef, useState } from "react";
import type { Row } from "../live/rows.ts";
import { useLiveList } from "../live/use-live-list.ts";
import styles from "./live-table.module.css";

export interface LiveTableProps<T extends Row> {
  url: string;
  /** Height of a row in pixels: all are equal, so that ten thousand cost what ten do. */
  rowHeight: number;
  row(row: T): ReactNode;
  /** Text the filter looks in. */
  text(row: T): string;
  order(a: T, b: T): number;
  tabs?: { label: string; includes(row: T): boolean }[];
  filterLabel: string;
  empty: ReactNode;
  action?: ReactNode;
}

/** A list that follows the API: filter, tabs with counts, virtual rows. */
export function LiveTable<T extends Row>({
  url,
  rowHeight,
  row,
  text,
  order,
  tabs,
  filterLabel,
  empty,
  action,
}: LiveTableProps<T>) {
  const { rows, synced, connected, problem } = useLiveList<T>(url);
  const [filter, setFilter] = useState("");
  const [tab, setTab] = useState(0);
  const wanted = useDeferredValue(filter.trim().toLowerCase());
  const all = useMemo(() => [...rows.values()].sort(order), [rows, order]);
  const found = useMemo(
    () => (wanted === "" ? all : all.filter((item) => text(item).toLowerCase().includes(wanted))),
    [all, wanted, text],
  );
  const shown = tabs ? found.filter((item) => tabs[tab]?.includes(item)) : found;
  return (
    <section className="card" aria-busy={!synced}>
      <div className={styles.head}>
        {tabs && (
          <div className={styles.tabs} role="tablist">
            {tabs.map(({ label, includes }, index) => (
              <button key={label} type="button" role="tab" aria-selected={index === tab} onClick={() => setTab(index)}>
                {label} <span>{found.filter(includes).length}</span>
              </button>
            ))}
          </div>
        )}
        <label className={styles.filter}>
          <SearchIcon />
          <span className="visually-hidden">{filterLabel}</span>
          <input
            type="search"
            placeholder={filterLabel}
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
          />
        </label>
        <LiveMark connected={connected} />
        {action}
      </div>
      {problem && (
        <p role="alert" className={styles.problem}>
          <AlertIcon /> {problem.message}
        </p>
      )}
      {synced && shown.length === 0 && !problem && (
        <div className={styles.empty}>{all.length === 0 ? empty : "Nothing matches."}</div>
      )}
      {!synced && shown.length === 0 && !problem && <Skeleton rowHeight={rowHeight} />}
      <VirtualRows items={shown} rowHeight={rowHeight} row={row} />
    </section>
  );
}

/** A green dot while changes arrive by themselves. */
export function LiveMark({ connected }: { connected: boolean }) {
  return (
    <span
      className={`${styles.live} ${connected ? styles.on : styles.off}`}
      title={connected ? "Changes appear by themselves" : "Reconnecting"}
    >
      <i /> {connected ? "Live" : "Reconnecting"}
    </span>
  );
}

const overscan = 8;
/** Lists up to this long simply stand on the page. */
const plainRows = 60;

function VirtualRows<T extends Row>({
  items,
  rowHeight,
  row,
}: {
  items: T[];
  rowHeight: number;
  row(row: T): ReactNode;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const isPlain = items.length <= plainRows;
  const virtualizer = useVirtualizer({
    count: isPlain ? 0 : items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan,
  });
  if (isPlain) {
    return (
      <ul>
        {items.map((item) => (
          <li key={item.uid} className={styles.row} style={{ height: rowHeight }}>
            {row(item)}
          </li>
        ))}
      </ul>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <div ref={scroller} className={styles.scroller} tabIndex={0} role="region" aria-label="List">
      <ul style={{ height: virtualizer.getTotalSize(), position: "relative" }}>
        {virtualizer.getVirtualItems().map(({ index, start }) => {
          const item = items[index] as T;
          return (
            <li
              key={item.uid}
              className={styles.row}
              style={{ height: rowHeight, position: "absolute", top: start, left: 0, right: 0 }}
            >
              {row(item)}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const skeletonRows = [62, 48, 71];

function Skeleton({ rowHeight }: { rowHeight: number }) {
  return (
    <div aria-hidden="true">
      {skeletonRows.map((width) => (
        <div key={width} className={styles.row} style={{ height: rowHeight }}>
          <span className={`${styles.bone} pulse`} style={{ width: `${width}%` }} />
        </div>
      ))}
    </div>
  );
}
