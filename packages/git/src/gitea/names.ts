import { createHash } from "node:crypto";
import type { RepositoryIdentity } from "../backend/git-backend.ts";

/** Where Gitea holds a repository: `<owner>/<name>`. */
export interface GiteaName {
  owner: string;
  name: string;
}

/** Gitea's own limits: accounts have 40 characters, repositories 100. */
const maxOwner = 40;
const maxName = 100;
const hashLength = 10;

/**
 * Name of a repository in Gitea: one organization per namespace, `k-<namespace>`, and the repository's own name. Names Gitea does not
 * take (too long, two signs in a row, an ending that means something to it) are cut and get a hash, so that two never meet.
 */
export function giteaName({ namespace, name }: RepositoryIdentity): GiteaName {
  return { owner: fitting(`k-${namespace}`, maxOwner), name: fitting(name, maxName) };
}

const special = /[-.]{2}|\.(git|wiki|rss|atom)$|^(k-)?x-/;

function fitting(text: string, max: number): string {
  if (text.length <= max && !special.test(text)) return text;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, hashLength);
  const start = text.replaceAll(/[-.]+/g, "-").slice(0, max - hashLength - 3);
  const prefix = text.startsWith("k-") ? "k-x-" : "x-";
  return `${prefix}${start.replace(/^k-/, "").slice(0, max - hashLength - 6)}-${hash}`.replaceAll(/-+/g, "-");
}
