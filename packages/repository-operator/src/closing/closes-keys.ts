import type { PullRequestObject } from "../pull-request/status.ts";

/** `<namespace>/<name>` of the issues a pull request closes. */
export function closesKeys({ metadata, status }: PullRequestObject): string[] {
  return (status?.closes ?? []).map((name) => (name.includes("/") ? name : `${metadata.namespace}/${name}`));
}
