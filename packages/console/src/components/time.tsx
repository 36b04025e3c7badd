"use client";
import { useEffect, useState } from "react";
import { agoText, durationText } from "./time-text.ts";

/** The time, moving on every second while something is running and every half minute otherwise; undefined until the page is alive. */
function useNow(intervalMilliseconds: number): number | undefined {
  const [now, setNow] = useState<number>();
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), intervalMilliseconds);
    return () => clearInterval(timer);
  }, [intervalMilliseconds]);
  return now;
}

/** "3 minutes ago"; the exact time on hover. Before scripts run, the date. */
export function Ago({ time }: { time: string }) {
  const now = useNow(30_000);
  return (
    <time dateTime={time} title={time} suppressHydrationWarning>
      {now === undefined ? time.slice(0, 10) : agoText(time, now)}
    </time>
  );
}

/** How long something took, or takes so far. */
export function Duration({ from, to }: { from: string | undefined; to: string | undefined }) {
  const now = useNow(to ? 3_600_000 : 1000);
  const end = to ? Date.parse(to) : now;
  if (!from || end === undefined) return null;
  return <span className="tabular">{durationText(end - Date.parse(from))}</span>;
}
