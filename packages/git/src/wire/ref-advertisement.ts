/**
 * The first answer over smart HTTP and SSH (gitprotocol-http, gitprotocol-pack, "Reference Discovery"), protocol v0:
 *
 *   smart-reply = PKT-LINE("# service=" service LF) flush-pkt ref-list     ; HTTP only has the first two
 *   ref-list    = PKT-LINE(obj-id SP name NUL capability-list LF) *PKT-LINE(obj-id SP name LF) flush-pkt
 *   no-refs     = PKT-LINE(zero-id SP "capabilities^{}" NUL capability-list LF) flush-pkt
 */
import { zeroObjectId } from "./object-id.ts";
import { flushPkt, formatPktLine } from "./pkt-line.ts";

/** A ref and the object it points at. */
export interface Ref {
  name: string;
  objectId: string;
}

export type GitService = "git-upload-pack" | "git-receive-pack";

/** The two frames HTTP puts in front of a ref list. */
export function formatServiceHeader(service: GitService): Buffer {
  return Buffer.concat([formatPktLine(`# service=${service}\n`), flushPkt]);
}

/** A ref list in the order given, capabilities on its first line. */
export function formatRefAdvertisement(refs: readonly Ref[], capabilities: readonly string[]): Buffer {
  const list = capabilities.join(" ");
  const [first, ...others] = refs;
  if (!first) return Buffer.concat([formatPktLine(`${zeroObjectId} capabilities^{}\0${list}\n`), flushPkt]);
  const lines = [formatPktLine(`${first.objectId} ${first.name}\0${list}\n`)];
  for (const ref of others) lines.push(formatPktLine(`${ref.objectId} ${ref.name}\n`));
  lines.push(flushPkt);
  return Buffer.concat(lines);
}
