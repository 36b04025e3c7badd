"use client";
import { ArrowDownIcon } from "@primer/octicons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { AnsiUp } from "ansi_up";
import { useEffect, useRef, useState } from "react";
import { PhaseIcon } from "../components/phase.tsx";
import type { StepRow } from "../live/rows.ts";
import styles from "./log.module.css";
import type { LogRow } from "./log-document.ts";
import { useLog } from "./use-log.ts";

const lineHeight = 20;
const headingHeight = 36;
/** Nearer to the end than this, one follows. */
const followDistance = 60;

export interface LogViewProps {
  url: string;
  steps: StepRow[];
  /** Scrolls to a step whenever it is another object. */
  goTo: { number: number } | undefined;
  /** The job has no log yet. */
  waiting: boolean;
  skipped: boolean;
}

/** A log as it is written: coloured, virtual, following its end until one scrolls up. */
export function LogView({ url, steps, goTo, waiting, skipped }: LogViewProps) {
  const { document, version, ended, problem } = useLog(url, waiting || skipped);
  const [following, setFollowing] = useState(true);
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: document.rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => ("step" in (document.rows[index] as LogRow) ? headingHeight : lineHeight),
    overscan: 24,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` says that the log has grown
  useEffect(() => {
    if (following && document.rows.length > 0) virtualizer.scrollToIndex(document.rows.length - 1, { align: "end" });
  }, [version, following, document, virtualizer]);
  useEffect(() => {
    const row = goTo && document.steps.get(goTo.number);
    if (row === undefined) return;
    setFollowing(false);
    virtualizer.scrollToIndex(row, { align: "start" });
  }, [goTo, document, virtualizer]);
  const onScroll = () => {
    const element = scroller.current;
    if (element) setFollowing(element.scrollHeight - element.scrollTop - element.clientHeight < followDistance);
  };
  if (skipped) return <p className={styles.note}>This job was skipped: it has no log.</p>;
  if (waiting) return <p className={`${styles.note} pulse`}>Waiting for a runner…</p>;
  const names = new Map(steps.map((step) => [step.number, step]));
  return (
    <div className={styles.frame}>
      <div
        ref={scroller}
        className={styles.scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-live="off"
        onScroll={onScroll}
        data-testid="log"
      >
        <div style={{ height: virtualizer.getTotalSize(), position: "relative" }}>
          {virtualizer.getVirtualItems().map(({ index, start }) => {
            const row = document.rows[index] as LogRow;
            const place = { transform: `translateY(${start}px)` };
            return "step" in row ? (
              <div key={index} className={styles.step} style={place}>
                <PhaseIcon phase={names.get(row.step)?.phase ?? "Pending"} size={14} />{" "}
                {names.get(row.step)?.name ?? `Step ${row.step}`}
              </div>
            ) : (
              <Line key={index} line={row.line} number={row.number} style={place} />
            );
          })}
        </div>
        {ended && document.rows.length === 0 && <p className={styles.note}>{problem ?? "The log is empty."}</p>}
        {!ended && document.rows.length === 0 && <p className={`${styles.note} pulse`}>Loading…</p>}
      </div>
      {problem && document.rows.length > 0 && <p className={styles.problem}>{problem}</p>}
      {!following && !ended && (
        <button type="button" className={`button small ${styles.follow}`} onClick={() => setFollowing(true)}>
          <ArrowDownIcon /> Follow
        </button>
      )}
    </div>
  );
}

/** ansi_up escapes what it is given and writes colours as classes. A colour that is left on ends with its line. */
function Line({ line, number, style }: { line: string; number: number; style: { transform: string } }) {
  const ansi = new AnsiUp();
  ansi.use_classes = true;
  return (
    <div className={styles.line} style={style}>
      <i data-n={number} />
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: escaped by ansi_up, and the content security policy runs nothing */}
      <code dangerouslySetInnerHTML={{ __html: ansi.ansi_to_html(line) }} />
    </div>
  );
}
