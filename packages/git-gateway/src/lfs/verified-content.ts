import { createHash } from "node:crypto";
import { LfsContentError, type LfsObject } from "./lfs-store.ts";

/**
 * Passes content on while it is hashed. The last piece is held back until all of it is known to be right, so that a store which
 * takes an object as complete after `size` bytes never gets those of a wrong one.
 * @throws {LfsContentError} after at most `size` bytes
 */
export async function* verifiedContent(
  content: AsyncIterable<Uint8Array>,
  { oid, size }: LfsObject,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let seen = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of content) {
    seen += chunk.length;
    if (seen > size) throw new LfsContentError(`more than the ${size} bytes announced for ${oid} were sent`);
    hash.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  if (seen < size) throw new LfsContentError(`only ${seen} of the ${size} bytes announced for ${oid} were sent`);
  const digest = hash.digest("hex");
  if (digest !== oid)
    throw new LfsContentError(`what was sent as ${oid} has the SHA-256 ${digest}: was the file changed meanwhile?`);
  if (held) yield held;
}
