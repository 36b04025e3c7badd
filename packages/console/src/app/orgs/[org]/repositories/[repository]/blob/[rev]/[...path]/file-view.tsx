"use client";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { sizeText } from "../../../../../../../../components/size-text.ts";
import styles from "./file.module.css";

type Loaded =
  | { kind: "text"; lines: string[]; bytes: number }
  | { kind: "image" }
  | { kind: "binary"; bytes: number }
  | { kind: "problem"; message: string };

/** Larger files are offered for download: a browser tab is no pager. */
const maxBytes = 20 * 1024 * 1024;
const lineHeight = 20;

/** A file of the repository: text line by line, pictures, everything else as a download. */
export function FileView({ url, path }: { url: string; path: string }) {
  const [file, setFile] = useState<Loaded>();
  useEffect(() => {
    const stop = new AbortController();
    load(url, stop.signal).then(setFile, (error: Error) => {
      if (!stop.signal.aborted) setFile({ kind: "problem", message: error.message });
    });
    return () => stop.abort();
  }, [url]);
  const name = path.split("/").at(-1);
  return (
    <section className="card">
      <div className="card-head">
        <strong className="mono grow truncate">{name}</strong>
        {file?.kind === "text" && (
          <span>
            {file.lines.length} lines · {sizeText(file.bytes)}
          </span>
        )}
        <a className="button small" href={url} download={name}>
          Raw
        </a>
      </div>
      {!file && <p className={`${styles.note} pulse`}>Loading…</p>}
      {file?.kind === "problem" && <p className={styles.note}>{file.message}</p>}
      {file?.kind === "binary" && <p className={styles.note}>{sizeText(file.bytes)} of binary data.</p>}
      {file?.kind === "image" && <img src={url} alt={path} className={styles.image} />}
      {file?.kind === "text" && <Lines lines={file.lines} />}
    </section>
  );
}

async function load(url: string, signal: AbortSignal): Promise<Loaded> {
  const response = await fetch(url, { signal });
  if (!response.ok)
    return {
      kind: "problem",
      message: ((await response.json()) as { message?: string }).message ?? "The file cannot be shown.",
    };
  const type = response.headers.get("content-type") ?? "";
  const bytes = Number(response.headers.get("x-krate-size"));
  if (type.startsWith("text/") && bytes <= maxBytes) {
    const text = await response.text();
    return { kind: "text", bytes, lines: text.replace(/\n$/, "").split("\n") };
  }
  await response.body?.cancel();
  return type.startsWith("image/") ? { kind: "image" } : { kind: "binary", bytes };
}

function Lines({ lines }: { lines: string[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeight,
    overscan: 20,
  });
  const height = Math.min(virtualizer.getTotalSize() + 16, 100_000);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <div ref={scroller} className={styles.scroller} tabIndex={0} role="region" aria-label="File" style={{ height }}>
      <div style={{ height: virtualizer.getTotalSize(), position: "relative" }}>
        {virtualizer.getVirtualItems().map(({ index, start }) => (
          <div key={index} className={styles.line} style={{ top: start }}>
            <span className={styles.number}>{index + 1}</span>
            <span>{lines[index]}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
