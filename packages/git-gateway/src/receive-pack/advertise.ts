import { type BackendRepository, formatRefAdvertisement, formatServiceHeader, listRefs } from "@krate/git";

/** Refs no client sees or moves: the gateway's own. */
export const hiddenRefPrefix = "refs/krate/";

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

/** The ref list a push begins with. HTTP has the service header in front of it. */
export async function advertiseReceivePack(repository: BackendRepository, options: { http: boolean }): Promise<Buffer> {
  const refs = (await listRefs({ gitDir: repository.gitDir })).filter(({ name }) => !name.startsWith(hiddenRefPrefix));
  const list = formatRefAdvertisement(refs, receivePackCapabilities);
  return options.http ? Buffer.concat([formatServiceHeader("git-receive-pack"), list]) : list;
}
