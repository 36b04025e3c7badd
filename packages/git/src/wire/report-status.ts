/**
 * What receive-pack answers (gitprotocol-pack, "Report Status"):
 *
 *   report-status    = unpack-status 1*(command-status) flush-pkt
 *   unpack-status    = PKT-LINE("unpack" SP unpack-result)       ; "ok" or an error text
 *   command-status   = PKT-LINE("ok" SP refname) / PKT-LINE("ng" SP refname SP error-msg)
 *
 * report-status-v2 adds, after an "ok", option lines for a ref that was updated differently from what was asked:
 *
 *   option-line      = PKT-LINE("option" SP ("refname" SP name / "old-oid" SP id / "new-oid" SP id / "forced-update"))
 */
import { flushPkt, formatPktLine, type PktLine } from "./pkt-line.ts";
import { ProtocolError } from "./protocol-error.ts";

/** Outcome of one command as the client is told. */
export type RefStatus =
  | { ref: string; ok: true; forcedUpdate?: boolean; oldId?: string; newId?: string }
  | { ref: string; ok: false; message: string };

export interface ReportStatus {
  /** Undefined when the pack was taken; otherwise why not. */
  unpackError?: string;
  refs: RefStatus[];
}

/** Formats a report. `version` 2 adds option lines; version 1 cannot carry them. */
export function formatReportStatus(report: ReportStatus, version: 1 | 2): Buffer {
  const lines = [formatPktLine(`unpack ${oneLine(report.unpackError ?? "ok")}\n`)];
  for (const status of report.refs) {
    if (!status.ok) {
      lines.push(formatPktLine(`ng ${status.ref} ${oneLine(status.message)}\n`));
      continue;
    }
    lines.push(formatPktLine(`ok ${status.ref}\n`));
    if (version === 1) continue;
    if (status.oldId) lines.push(formatPktLine(`option old-oid ${status.oldId}\n`));
    if (status.newId) lines.push(formatPktLine(`option new-oid ${status.newId}\n`));
    if (status.forcedUpdate) lines.push(formatPktLine("option forced-update\n"));
  }
  lines.push(flushPkt);
  return Buffer.concat(lines);
}

/** Reads a report of either version. @throws {ProtocolError} on lines outside the grammar. */
export function parseReportStatus(lines: PktLine[]): ReportStatus {
  const texts = lines.flatMap((line) =>
    line.kind === "data" ? [line.payload.toString("utf8").replace(/\n$/, "")] : [],
  );
  const first = texts.shift();
  if (!first?.startsWith("unpack ")) throw new ProtocolError("a status report must begin with an unpack line");
  const report: ReportStatus = { refs: [] };
  if (first !== "unpack ok") report.unpackError = first.slice("unpack ".length);
  for (const text of texts) {
    const [verb = "", ...rest] = text.split(" ");
    const last = report.refs.at(-1);
    if (verb === "ok") report.refs.push({ ref: rest.join(" "), ok: true });
    else if (verb === "ng") report.refs.push({ ref: rest[0] ?? "", ok: false, message: rest.slice(1).join(" ") });
    else if (verb === "option" && last?.ok) readOption(last, rest);
    else throw new ProtocolError(`${JSON.stringify(text)} does not belong into a status report`);
  }
  return report;
}

function readOption(status: Extract<RefStatus, { ok: true }>, [name, value]: string[]): void {
  if (name === "forced-update") status.forcedUpdate = true;
  else if (name === "old-oid") status.oldId = value;
  else if (name === "new-oid") status.newId = value;
}

/** Report lines are single lines of bounded length: what a rule says may hold neither. */
function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 1000 ? `${line.slice(0, 1000)}...` : line;
}
