"use client";
import { ChevronDownIcon, ChevronRightIcon } from "@primer/octicons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Avatar } from "../components/avatar.tsx";
import { Ago } from "../components/time.tsx";
import { ChangeIcon } from "./change-icon.tsx";
import styles from "./diff.module.css";
import { type DiffDocument, type DiffFile, type RowKind, rowKind } from "./diff-document.ts";
import { FileTree } from "./file-tree.tsx";
import { ThreadList } from "./thread-list.tsx";
import type { Thread } from "./threads.ts";
import { useDiff } from "./use-diff.ts";
import { viewRows } from "./view-rows.ts";

const lineHeight = 20;
const headerHeight = 44;
const threadHeight = 150;

/**
 * A diff of any size, with the threads on its lines (`bodies`: their rendered comments, by name): it streams in, and only what is on the screen is in the page. Keys: j and k go to the next and previous file,
 * n and p to the next and previous thread.
 */
export function DiffView({
  url,
  threads,
  bodies,
}: {
  url: string;
  threads: Thread[];
  bodies: Record<string, ReactNode>;
}) {
  const { document, version, done, problem } = useDiff(url);
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  // `version` says that `document`, which is one object all the time, has grown.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  const { entries, files, threadEntries } = useMemo(
    () => viewRows(document, threads, collapsed),
    [document, threads, collapsed, version],
  );
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => heightOf(entries[index] as number, document),
    getItemKey: (index) => entries[index] as number,
    overscan: 16,
  });
  // Sizes are remembered by place: what collapses or arrives moves places.
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew when the entries change
  useEffect(() => virtualizer.measure(), [virtualizer, collapsed, threads]);

  const items = virtualizer.getVirtualItems();
  const offset = virtualizer.scrollOffset ?? 0;
  const first = items.find(({ end }) => end > offset + 1)?.index ?? 0;
  const currentFile = entries.length === 0 ? -1 : fileAt(files, first);
  const goTo = useCallback(
    (index: number | undefined) =>
      index !== undefined && index >= 0 && virtualizer.scrollToIndex(index, { align: "start" }),
    [virtualizer],
  );
  useReviewKeys({
    j: () => goTo(files[Math.min(currentFile + 1, files.length - 1)]),
    k: () => goTo(files[Math.max(first === files[currentFile] ? currentFile - 1 : currentFile, 0)]),
    n: () => goTo(threadEntries.find((entry) => entry > first + 1)),
    p: () => goTo(threadEntries.findLast((entry) => entry < first)),
  });
  const toggle = (path: string) =>
    setCollapsed((before) =>
      before.has(path) ? new Set([...before].filter((other) => other !== path)) : new Set([...before, path]),
    );

  const additions = document.files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = document.files.reduce((sum, file) => sum + file.deletions, 0);
  if (problem) return <p role="alert">{problem}</p>;
  return (
    <div className={`${styles.panes} ${threads.length > 0 ? styles.talked : ""}`}>
      <FileTree files={document.files} version={version} current={currentFile} onPick={(file) => goTo(files[file])} />
      <section className={styles.pane} aria-label="Diff">
        <div className={styles.bar}>
          <strong>{document.files.length.toLocaleString("en")} files</strong>
          <span className="ink-green tabular">+{additions.toLocaleString("en")}</span>
          <span className="ink-red tabular">−{deletions.toLocaleString("en")}</span>
          {!done && <span className={`faint pulse`}>loading…</span>}
          <span className="grow" />
          <span className={styles.keys}>
            <kbd>j</kbd>
            <kbd>k</kbd> files <kbd>n</kbd>
            <kbd>p</kbd> threads
          </span>
        </div>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
        <div ref={scroller} className={styles.scroller} tabIndex={0} data-testid="diff">
          <div style={{ height: virtualizer.getTotalSize(), position: "relative" }}>
            {items.map(({ index, start }) => {
              const entry = entries[index] as number;
              const place: CSSProperties = { transform: `translateY(${start}px)` };
              if (entry < 0) {
                const thread = threads[-1 - entry] as Thread;
                return (
                  <div
                    key={entry}
                    ref={virtualizer.measureElement}
                    data-index={index}
                    className={styles.thread}
                    style={place}
                  >
                    <ThreadCard thread={thread} bodies={bodies} />
                  </div>
                );
              }
              const kind = document.kind(entry);
              if (kind === rowKind.file) {
                const file = document.files[document.fileOf(entry)] as DiffFile;
                return (
                  <FileHeader
                    key={entry}
                    file={file}
                    collapsed={collapsed.has(file.path)}
                    onToggle={toggle}
                    style={place}
                  />
                );
              }
              return <LineRow key={entry} document={document} row={entry} kind={kind} style={place} />;
            })}
          </div>
          {done && document.files.length === 0 && <p className={styles.nothing}>Nothing differs.</p>}
        </div>
      </section>
      {threads.length > 0 && <ThreadList threads={threads} onPick={(thread) => goTo(entries.indexOf(-1 - thread))} />}
    </div>
  );
}

function heightOf(entry: number, document: DiffDocument): number {
  if (entry < 0) return threadHeight;
  return document.kind(entry) === rowKind.file ? headerHeight : lineHeight;
}

/** The file whose entries hold `index`: the last header at or before it. */
function fileAt(files: readonly number[], index: number): number {
  let low = 0;
  let high = files.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((files[middle] as number) <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}

function useReviewKeys(actions: Readonly<Record<string, () => void>>): void {
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { target } = event;
      const isTyping =
        target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      current.current[event.key]?.();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}

function FileHeader(props: { file: DiffFile; collapsed: boolean; onToggle(path: string): void; style: CSSProperties }) {
  const { file, collapsed, onToggle, style } = props;
  return (
    <div className={styles.file} style={style}>
      <button
        type="button"
        onClick={() => onToggle(file.path)}
        aria-expanded={!collapsed}
        aria-label={`${file.path}: show or hide`}
      >
        {collapsed ? <ChevronRightIcon /> : <ChevronDownIcon />}
      </button>
      <ChangeIcon change={file.change} />
      <span className="mono truncate">
        {file.previousPath && <span className="faint">{file.previousPath} → </span>}
        {file.path}
      </span>
      <span className="grow" />
      <span className="ink-green tabular">+{file.additions}</span>
      <span className="ink-red tabular">−{file.deletions}</span>
    </div>
  );
}

const lineClasses: Partial<Record<RowKind, string>> = {
  [rowKind.added]: styles.added,
  [rowKind.removed]: styles.removed,
  [rowKind.hunk]: styles.hunk,
  [rowKind.note]: styles.note,
};

/** Four elements per line. Marks and numbers are drawn from attributes, so that copying takes the text alone. */
function LineRow({
  document,
  row,
  kind,
  style,
}: {
  document: DiffDocument;
  row: number;
  kind: RowKind;
  style: CSSProperties;
}) {
  return (
    <div className={`${styles.line} ${lineClasses[kind] ?? ""}`} style={style}>
      <i data-n={document.oldLine(row) || ""} />
      <i data-n={document.newLine(row) || ""} />
      <code>{document.texts[row]}</code>
    </div>
  );
}

function ThreadCard({ thread, bodies }: { thread: Thread; bodies: Record<string, ReactNode> }) {
  return (
    <div className={styles.card}>
      {thread.comments.map(({ name, author, createdAt, suggestion }) => (
        <div key={name} className={styles.comment}>
          <div className="row">
            <Avatar name={author} size={18} />
            <strong>{author}</strong>
            <span className="faint">
              <Ago time={createdAt} />
            </span>
            <span className="grow" />
            {thread.resolved && <span className="badge tone-green">resolved</span>}
            {thread.outdated && <span className="badge tone-amber">outdated</span>}
          </div>
          <div className={styles.body}>{bodies[name]}</div>
          {suggestion !== undefined && <pre className={styles.suggestion}>{suggestion}</pre>}
        </div>
      ))}
    </div>
  );
}
