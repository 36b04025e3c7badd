"use client";
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import type { Row } from "./rows.ts";
import { useLiveList } from "./use-live-list.ts";

/** Watches one object and has the page rendered again by the server when it is newer than the one shown. Draws nothing. */
export function RefreshOnChange({ url, version }: { url: string; version: string }) {
  const router = useRouter();
  const { rows } = useLiveList<Row & { version: string }>(url);
  const newest = [...rows.values()][0]?.version;
  useEffect(() => {
    if (newest !== undefined && newest !== version) router.refresh();
  }, [newest, version, router]);
  return null;
}
