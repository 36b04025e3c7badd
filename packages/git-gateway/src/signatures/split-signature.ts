import type { SignedObject } from "../ports.ts";

/**
 * Takes a commit object apart into what was signed and the signature (gitformat-signature):
 *
 *   commit    = *header LF message          header = key SP value LF *( SP continuation LF )
 *   gpgsig    = "gpgsig" / "gpgsig-sha256"  ; left out of what is signed
 *
 * Undefined for a commit without a signature. Of several `gpgsig` headers the first counts, as git has it.
 */
export function splitSignature(commit: Buffer): SignedObject | undefined {
  const end = commit.indexOf("\n\n");
  const headerEnd = end < 0 ? commit.length : end + 1;
  const kept: Buffer[] = [];
  let signature: string[] | undefined;
  let inside: "payload" | "signature" | "dropped" = "payload";
  for (let at = 0; at < headerEnd; ) {
    const newline = commit.indexOf(0x0a, at);
    const next = newline < 0 ? headerEnd : newline + 1;
    const line = commit.subarray(at, next);
    at = next;
    if (line[0] !== 0x20) {
      if (startsWith(line, "gpgsig ")) {
        inside = signature === undefined ? "signature" : "dropped";
        signature ??= [];
        if (inside === "signature") signature.push(line.toString("latin1", "gpgsig ".length));
        continue;
      }
      inside = startsWith(line, "gpgsig-sha256 ") ? "dropped" : "payload";
    } else if (inside === "signature") signature?.push(line.toString("latin1", 1));
    if (inside === "payload") kept.push(line);
  }
  if (signature === undefined) return undefined;
  kept.push(commit.subarray(headerEnd));
  return { payload: Buffer.concat(kept), signature: signature.join("") };
}

function startsWith(line: Buffer, text: string): boolean {
  return line.toString("latin1", 0, text.length) === text;
}
