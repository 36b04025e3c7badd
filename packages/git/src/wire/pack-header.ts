/**
 * The twelve bytes every pack opens with (gitformat-pack):
 *
 *   "PACK" version(4 octets, network order: 2 or 3) objects(4 octets, network order)
 */
import { ProtocolError } from "./protocol-error.ts";

export const packHeaderBytes = 12;

/** The number of objects a pack announces. @throws {ProtocolError} when these are not the first bytes of a pack. */
export function parsePackHeader(bytes: Buffer): { version: number; objects: number } {
  if (bytes.length < packHeaderBytes || bytes.toString("latin1", 0, 4) !== "PACK") {
    throw new ProtocolError("the request carries no pack where one was expected");
  }
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3)
    throw new ProtocolError(`pack version ${version} is not supported: it must be 2 or 3`);
  return { version, objects: bytes.readUInt32BE(8) };
}
