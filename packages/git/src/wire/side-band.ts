/**
 * side-band-64k (gitprotocol-pack, gitprotocol-capabilities): the answer is cut into pkt-lines whose first octet names the stream.
 *
 *   band-pkt = pkt-len band *(OCTET)
 *   band     = %x01   ; the answer proper (pack data, report-status)
 *            / %x02   ; progress, shown to the user as "remote: ..."
 *            / %x03   ; fatal error, the client stops
 */
import { formatPktLine, maxPktPayloadBytes, type PktLine } from "./pkt-line.ts";
import { ProtocolError } from "./protocol-error.ts";

export type SideBand = "data" | "progress" | "error";

const bandCodes: Record<SideBand, number> = { data: 1, progress: 2, error: 3 };

/** Cuts `content` into side-band pkt-lines of at most 65,515 content bytes. Empty content gives no line. */
export function formatSideBand(band: SideBand, content: string | Uint8Array): Buffer[] {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const step = maxPktPayloadBytes - 1;
  const lines: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; offset += step) {
    const part = bytes.subarray(offset, offset + step);
    const payload = Buffer.allocUnsafe(part.length + 1);
    payload[0] = bandCodes[band];
    payload.set(part, 1);
    lines.push(formatPktLine(payload));
  }
  return lines;
}

/** Reads the band of one data-pkt. @throws {ProtocolError} for an empty line or an unknown band. */
export function parseSideBand(line: PktLine): { band: SideBand; content: Buffer } {
  if (line.kind !== "data" || line.payload.length === 0)
    throw new ProtocolError("a side-band line must carry a band octet");
  const code = line.payload[0];
  const content = line.payload.subarray(1);
  if (code === 1) return { band: "data", content };
  if (code === 2) return { band: "progress", content };
  if (code === 3) return { band: "error", content };
  throw new ProtocolError(`side-band ${code} is unknown: it must be 1, 2 or 3`);
}
