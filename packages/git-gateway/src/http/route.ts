/**
 * Paths of the gateway:
 *
 *   GET  /<namespace>/<repository>.git/info/refs?service=git-upload-pack | git-receive-pack
 *   POST /<namespace>/<repository>.git/git-upload-pack
 *   POST /<namespace>/<repository>.git/git-receive-pack
 *   *    /<namespace>/<repository>.git/info/lfs/<path>           Git LFS, whose paths are lfs/serve-lfs.ts's
 *   POST /-/ssh/certificate                                     what `krate login` asks for
 *   GET  /<namespace>/<repository>/-/<view>[/<argument>]        content API; the argument is one URL-encoded component
 *
 * ".git" may be left out, as git allows people to. Names are DNS-1123, so nothing in a path can leave its folder.
 */
export type Route =
  | { kind: "info-refs"; namespace: string; repository: string; service: "git-upload-pack" | "git-receive-pack" }
  | { kind: "rpc"; namespace: string; repository: string; service: "git-upload-pack" | "git-receive-pack" }
  | { kind: "lfs"; namespace: string; repository: string; method: string; path: string; query: URLSearchParams }
  | { kind: "content"; namespace: string; repository: string; view: string; argument: string; query: URLSearchParams }
  | { kind: "ssh-certificate" }
  | { kind: "unknown"; status: 400 | 404 | 405 | 414; message: string };

const maxUrlLength = 8 * 1024;
const certificatePath = "/-/ssh/certificate";
const gitPath = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;
const lfsPath = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/info\/lfs\/(.*)$/;
const contentPath = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/-\/([a-z]+)(?:\/(.*))?$/;
const dnsName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Reads method and URL. Never throws: what is wrong becomes the route "unknown". */
export function parseRoute(method: string, url: string): Route {
  if (url.length > maxUrlLength) return unknown(414, `the URL is longer than ${maxUrlLength} characters`);
  const question = url.indexOf("?");
  const path = question < 0 ? url : url.slice(0, question);
  const query = new URLSearchParams(question < 0 ? "" : url.slice(question + 1));
  if (path === certificatePath)
    return method === "POST" ? { kind: "ssh-certificate" } : unknown(405, `${path} takes POST, not ${method}`);
  const git = gitPath.exec(path);
  if (git) return gitRoute(method, git[1] as string, git[2] as string, git[3] as string, query);
  const lfs = lfsPath.exec(path);
  if (lfs) return lfsRoute(method, lfs[1] as string, lfs[2] as string, lfs[3] as string, query);
  const content = contentPath.exec(path);
  if (content)
    return contentRoute(method, content as unknown as [string, string, string, string, string | undefined], query);
  return unknown(
    404,
    `nothing is served at ${JSON.stringify(path.slice(0, 200))}: repositories are at /<namespace>/<repository>.git`,
  );
}

function gitRoute(
  method: string,
  namespace: string,
  repository: string,
  action: string,
  query: URLSearchParams,
): Route {
  if (!isName(namespace) || !isName(repository)) return badName(namespace, repository);
  if (action !== "info/refs") {
    if (method !== "POST") return unknown(405, `${action} takes POST, not ${method}`);
    return { kind: "rpc", namespace, repository, service: action as "git-upload-pack" };
  }
  if (method !== "GET" && method !== "HEAD") return unknown(405, `info/refs takes GET, not ${method}`);
  const service = query.get("service");
  if (service === "git-upload-pack" || service === "git-receive-pack")
    return { kind: "info-refs", namespace, repository, service };
  if (service === "git-upload-archive")
    return unknown(400, "git archive --remote is served over SSH, not over HTTP: use the SSH URL of the repository");
  return unknown(400, "only the smart HTTP protocol is served: service must be git-upload-pack or git-receive-pack");
}

function lfsRoute(method: string, namespace: string, repository: string, path: string, query: URLSearchParams): Route {
  if (!isName(namespace) || !isName(repository)) return badName(namespace, repository);
  return { kind: "lfs", namespace, repository, method, path, query };
}

function contentRoute(
  method: string,
  match: [string, string, string, string, string | undefined],
  query: URLSearchParams,
): Route {
  const [, namespace, repository, view, raw = ""] = match;
  if (!isName(namespace) || !isName(repository)) return badName(namespace, repository);
  if (method !== "GET" && method !== "HEAD") return unknown(405, `the content API takes GET, not ${method}`);
  try {
    return { kind: "content", namespace, repository, view, argument: decodeURIComponent(raw), query };
  } catch {
    return unknown(400, `${JSON.stringify(raw.slice(0, 200))} is not URL-encoded`);
  }
}

/** `/<namespace>/<repository>[.git]`, the first slash optional, as SSH has it; undefined for anything else. */
export function parseRepositoryPath(path: string): { namespace: string; repository: string } | undefined {
  const match = /^\/?([^/]+)\/([^/]+?)(?:\.git)?$/.exec(path);
  const [namespace = "", repository = ""] = match?.slice(1) ?? [];
  return isName(namespace) && isName(repository) ? { namespace, repository } : undefined;
}

function isName(text: string): boolean {
  return dnsName.test(text) && !text.includes("..");
}

function badName(namespace: string, repository: string): Route {
  return unknown(
    404,
    `${JSON.stringify(`${namespace}/${repository}`.slice(0, 200))} is not a repository: both names must be DNS-1123 names`,
  );
}

function unknown(status: 400 | 404 | 405 | 414, message: string): Route {
  return { kind: "unknown", status, message };
}
