/** Query of `/containerLogs`. Source: k8s.io/api/core/v1 PodLogOptions, pkg/kubelet/server/server.go:getContainerLogs. */
import { badRequest } from "@krate/kinds";

export interface LogOptions {
  follow: boolean;
  /** Lines from the end; absent = all. */
  tailLines: number | undefined;
  limitBytes: number | undefined;
}

/** @throws ApiError BadRequest */
export function readLogOptions(query: URLSearchParams): LogOptions {
  return {
    follow: ["true", "1", ""].includes(query.get("follow") ?? "false"),
    tailLines: count(query, "tailLines"),
    limitBytes: count(query, "limitBytes"),
  };
}

function count(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name} is "${text}": must be a whole number from 0`);
  return Number(text);
}
