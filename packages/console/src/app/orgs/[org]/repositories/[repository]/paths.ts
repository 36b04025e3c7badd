/** Addresses of what a repository holds. A revision is one path component, whatever characters a branch has. */
export function codePath(
  view: "tree" | "blob",
  { org, repository, rev, path }: { org: string; repository: string; rev: string; path: string },
): string {
  const parts = path === "" ? [] : path.split("/").map(encodeURIComponent);
  return [`/orgs/${org}/repositories/${repository}/${view}/${encodeURIComponent(rev)}`, ...parts].join("/");
}
