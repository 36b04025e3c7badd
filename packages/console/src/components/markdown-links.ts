/** Which file a text stands in, so that its relative links lead somewhere. */
export interface LinkBase {
  org: string;
  repository: string;
  rev: string;
  /** Folder of the file. */
  folder: string;
}

/**
 * Where a link of a Markdown file leads in the console: other sites and anchors as they are, files of the repository to their page
 * (`page`) or their bytes (`raw`). Without a base, relative links lead nowhere.
 */
export function resolveLink(
  href: string | undefined,
  base: LinkBase | undefined,
  form: "page" | "raw",
): string | undefined {
  if (!href || href.startsWith("#") || /^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith("//")) return href;
  if (!base) return undefined;
  const { pathname, hash } = new URL(
    href,
    `http://base/${href.startsWith("/") ? "" : `${base.folder}/`}`.replace(/\/+$/, "/"),
  );
  const path = pathname.replace(/^\/+/, "");
  const repository = `/orgs/${base.org}/repositories/${base.repository}`;
  if (form === "raw")
    return `/api${repository}/blob?${new URLSearchParams({ rev: base.rev, path: decodeURIComponent(path) })}`;
  return `${repository}/blob/${encodeURIComponent(base.rev)}/${path}${hash}`;
}
