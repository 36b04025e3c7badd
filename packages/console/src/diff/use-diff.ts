"use client";
import { useEffect, useState } from "react";
import { DiffDocument } from "./diff-document.ts";

export interface DiffState {
  document: DiffDocument;
  /** Changes whenever the document grew. */
  version: number;
  done: boolean;
  problem?: string;
}

/** The screen is told at most this often while a diff arrives. */
const tellMilliseconds = 120;

/** Loads a diff as a stream: its first files are on the screen while the rest is still made. */
export function useDiff(url: string): DiffState {
  const [state, setState] = useState<DiffState>(() => ({ document: new DiffDocument(), version: 0, done: false }));
  useEffect(() => {
    const stop = new AbortController();
    const document = new DiffDocument();
    let toldAt = 0;
    const tell = (more: Partial<DiffState> = {}) => {
      toldAt = performance.now();
      if (!stop.signal.aborted) setState(({ version }) => ({ document, version: version + 1, done: false, ...more }));
    };
    const load = async () => {
      const response = await fetch(url, { signal: stop.signal });
      if (!response.ok || !response.body) {
        const { message } = (await response.json()) as { message?: string };
        return tell({ done: true, problem: message ?? "The diff cannot be shown." });
      }
      const reader = response.body
        .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
        .getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        document.write(next.value);
        if (performance.now() - toldAt > tellMilliseconds) tell();
      }
      document.end();
      tell({ done: true });
    };
    load().catch((error: Error) => tell({ done: true, problem: error.message }));
    return () => stop.abort();
  }, [url]);
  return state;
}
