/** Query of `/containerLogs`. Source: k8s.io/api/core/v1 PodLogOptions, pkg/kubelet/server/server.go:getContainerLogs. */
import { badRequest } from "@krate/kinds";

export interface LogOptions {
  follow: boolean;
  /** Lines from the end; absent = all. */
  tailLines: number | undefined;
  limitBytes: number | undefined;
  /** Each line begins with the time it was written. */
  timestamps: boolean;
  /** Only what was written then or later: milliseconds since 1970. */
  since: number | undefined;
}

/** @throws ApiError BadRequest */
export function readLogOptions(query: URLSearchParams, now: number): LogOptions {
  const sinceSeconds = count(query, "sinceSeconds");
  const sinceTime = query.get("sinceTime") || undefined;
  if (sinceTime !== undefined && Number.isNaN(Date.parse(sinceTime)))
    throw badRequest(`sinceTime is "${sinceTime}": must be a time such as 2026-01-31T12:00:00Z`);
  return {
    follow: flag(query, "follow"),
    tailLines: count(query, "tailLines"),
    limitBytes: count(query, "limitBytes"),
    timestamps: flag(query, "timestamps"),
    since:
      sinceSeconds !== undefined
        ? now - sinceSeconds * 1000
        : sinceTime === undefined
          ? undefined
          : Date.parse(sinceTime),
  };
}

function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name) ?? "false";
  if (["true", "1"].includes(text)) return true;
  if (["false", "0", ""].includes(text)) return false;
  throw badRequest(`${name} is "${text}": must be true or false`);
}

function count(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name} is "${text}": must be a whole number from 0`);
  return Number(text);
}
