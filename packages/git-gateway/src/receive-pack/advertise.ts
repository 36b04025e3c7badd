import { type BackendRepository, formatRefAdvertisement, formatServiceHeader, listRefs } from "@krate/git";

/** Refs no client sees or moves: the gateway's own. */
export const hiddenRefPrefix = "refs/krate/";

/** Heads and patch sets of pull requests: everybody with read access fetches them, only repository-operator moves them. */
export const pullRequestRefPrefix = "refs/pull/";

/** Candidates of merge queues, likewise. */
export const queueRefPrefix = "refs/queue/";

export const serverRefPrefixes = [pullRequestRefPrefix, queueRefPrefix] as const;

/** Whether only repository-operator moves it. The prefix itself too: as a ref it would stand in the way of all below it. */
export function isServerRef(ref: string): boolean {
  return serverRefPrefixes.some((prefix) => `${ref}/`.startsWith(prefix));
}

/** "--all" without what only pull requests and queues reach: their commits were never judged as part of a branch. */
export const judgedRefs = [...serverRefPrefixes.map((prefix) => `--exclude=${prefix}*`), "--all"] as const;

/** What our receive-pack can do, as it tells clients. `push-cert` is not among it. */
export const receivePackCapabilities = [
  "report-status",
  "report-status-v2",
  "delete-refs",
  "side-band-64k",
  "quiet",
  "atomic",
  "ofs-delta",
  "push-options",
  "object-format=sha1",
  "agent=krate",
] as const;

/**
 * The ref list a push begins with. HTTP has the service header in front of it. `pullRequests`: with the refs below refs/pull/
 * and refs/queue/, for the one who may move them; to all others they are only weight.
 */
export async function advertiseReceivePack(
  repository: BackendRepository,
  options: { http: boolean; pullRequests?: boolean },
): Promise<Buffer> {
  const refs = (await listRefs({ gitDir: repository.gitDir })).filter(
    ({ name }) => !name.startsWith(hiddenRefPrefix) && (options.pullRequests === true || !isServerRef(name)),
  );
  const list = formatRefAdvertisement(refs, receivePackCapabilities);
  return options.http ? Buffer.concat([formatServiceHeader("git-receive-pack"), list]) : list;
}
