"use client";
import { useEffect, useState } from "react";
import { LogDocument } from "./log-document.ts";

export interface LogState {
  document: LogDocument;
  version: number;
  ended: boolean;
  problem?: string;
}

const tellMilliseconds = 80;

/** Follows a job's log; see `live/follow-log.ts`. A stream that breaks comes back by itself and continues where it was. */
export function useLog(url: string, paused: boolean): LogState {
  const [state, setState] = useState<LogState>(() => ({ document: new LogDocument(), version: 0, ended: false }));
  useEffect(() => {
    if (paused) return;
    const document = new LogDocument();
    const source = new EventSource(url);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = (more: Partial<LogState> = {}) => {
      clearTimeout(timer);
      timer = undefined;
      setState(({ version, ended }) => ({ document, version: version + 1, ended, ...more }));
    };
    source.addEventListener("lines", ({ data }: MessageEvent<string>) => {
      document.add(JSON.parse(data) as string[]);
      timer ??= setTimeout(tell, tellMilliseconds);
    });
    source.addEventListener("end", () => {
      source.close();
      tell({ ended: true });
    });
    source.addEventListener("problem", ({ data }: MessageEvent<string>) => {
      source.close();
      tell({ ended: true, problem: (JSON.parse(data) as { message: string }).message });
    });
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [url, paused]);
  return state;
}
