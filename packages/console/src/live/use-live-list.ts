"use client";
import { useEffect, useState } from "react";
import { emptyList, type LiveListState, reduceLiveList } from "./live-list-state.ts";
import type { Row } from "./rows.ts";

/** Browsers allow six connections to one server: a tab nobody looks at gives its own back after this long. */
const hiddenMilliseconds = 20_000;
/** Events that arrive within one frame are shown together. */
const flushMilliseconds = 50;

/**
 * A live list of the signed-in user's organization; see `events.ts`. The stream is left while the tab is hidden and taken up where it
 * stopped; a stream that breaks comes back by itself.
 */
export function useLiveList<T extends Row>(url: string): LiveListState<T> {
  const [state, setState] = useState<LiveListState<T>>(emptyList);
  useEffect(() => {
    let source: EventSource | undefined;
    let since: string | undefined;
    let pending: ((state: LiveListState<T>) => LiveListState<T>)[] = [];
    let flushTimer: ReturnType<typeof setTimeout> | undefined;
    let hideTimer: ReturnType<typeof setTimeout> | undefined;

    const flush = () => {
      flushTimer = undefined;
      const steps = pending;
      pending = [];
      setState((before) => steps.reduce((state, step) => step(state), before));
    };
    const dispatch = (step: (state: LiveListState<T>) => LiveListState<T>) => {
      pending.push(step);
      flushTimer ??= setTimeout(flush, flushMilliseconds);
    };
    const open = () => {
      const separator = url.includes("?") ? "&" : "?";
      source = new EventSource(since === undefined ? url : `${url}${separator}since=${since}`);
      for (const event of ["snapshot", "synced", "change", "reset", "problem"] as const) {
        source.addEventListener(event, ({ data, lastEventId }: MessageEvent<string>) => {
          if (event === "synced" || event === "change") since = lastEventId;
          if (event === "problem") source?.close();
          const value: unknown = JSON.parse(data);
          dispatch((before) => reduceLiveList(before, { event, data: value }));
        });
      }
      source.onopen = () => dispatch((before) => ({ ...before, connected: true }));
      source.onerror = () => {
        // A list that was cut before it was complete starts over.
        const isOver = source?.readyState === EventSource.CLOSED;
        dispatch((before) => ({
          ...(before.synced ? before : emptyList<T>()),
          connected: false,
          ...(isOver && {
            problem: {
              reason: "Closed",
              message: "The live connection was refused. Reload the page, or sign in again.",
            },
          }),
        }));
      };
    };
    const close = () => {
      source?.close();
      source = undefined;
    };
    const onVisibility = () => {
      clearTimeout(hideTimer);
      if (document.hidden) hideTimer = setTimeout(close, hiddenMilliseconds);
      else if (!source) open();
    };
    setState(emptyList());
    open();
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      document.removeEventListener("visibilitychange", onVisibility);
      clearTimeout(hideTimer);
      clearTimeout(flushTimer);
      close();
    };
  }, [url]);
  return state;
}
