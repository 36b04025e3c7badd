"use client";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { ChangeIcon } from "./change-icon.tsx";
import styles from "./diff.module.css";
import type { DiffFile } from "./diff-document.ts";

const itemHeight = 28;

type Item = { folder: string } | { file: number };

/** Changed files under their folders; a click shows the file. */
export function FileTree(props: { files: DiffFile[]; version: number; current: number; onPick(file: number): void }) {
  const { files, version, current, onPick } = props;
  const [filter, setFilter] = useState("");
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` says that `files` has grown
  const items = useMemo(() => treeItems(files, filter), [files, filter, version]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => itemHeight,
    overscan: 10,
  });
  const currentItem = items.findIndex((item) => "file" in item && item.file === current);
  useEffect(() => {
    if (currentItem >= 0) virtualizer.scrollToIndex(currentItem, { align: "auto" });
  }, [currentItem, virtualizer]);
  return (
    <nav className={styles.tree} aria-label="Changed files">
      <input
        className="input"
        type="search"
        placeholder="Filter files"
        value={filter}
        onChange={(event) => setFilter(event.target.value)}
      />
      <div ref={scroller} className={styles.treeScroller}>
        <ul style={{ height: virtualizer.getTotalSize(), position: "relative" }}>
          {virtualizer.getVirtualItems().map(({ index, start }) => {
            const item = items[index] as Item;
            return (
              <li key={index} style={{ transform: `translateY(${start}px)` }}>
                {"folder" in item ? (
                  <span className={styles.folder}>{item.folder || "/"}</span>
                ) : (
                  <TreeFile
                    file={files[item.file] as DiffFile}
                    current={item.file === current}
                    onPick={() => onPick(item.file)}
                  />
                )}
              </li>
            );
          })}
        </ul>
      </div>
    </nav>
  );
}

function TreeFile({ file, current, onPick }: { file: DiffFile; current: boolean; onPick(): void }) {
  return (
    <button type="button" onClick={onPick} aria-current={current ? "true" : undefined} title={file.path}>
      <ChangeIcon change={file.change} />
      <span className="truncate">{file.path.slice(file.path.lastIndexOf("/") + 1)}</span>
    </button>
  );
}

/** Files in the diff's own order, with a heading where the folder changes. */
export function treeItems(files: readonly DiffFile[], filter: string): Item[] {
  const wanted = filter.trim().toLowerCase();
  const items: Item[] = [];
  let folder: string | undefined;
  files.forEach(({ path }, file) => {
    if (!path.toLowerCase().includes(wanted)) return;
    const own = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (own !== folder) items.push({ folder: own });
    folder = own;
    items.push({ file });
  });
  return items;
}
