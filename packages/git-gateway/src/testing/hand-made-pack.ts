/** Packs written by hand, so that tests can make what no git would. */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

/** One object in a pack: type and size as a varint, then zlib data. */
export function packed(type: number, content: Buffer, size = content.length, prefix: Buffer = Buffer.alloc(0)): Buffer {
  const header: number[] = [];
  let rest = Math.floor(size / 16);
  header.push((type << 4) | (size & 15) | (rest > 0 ? 0x80 : 0));
  for (; rest > 0; rest = Math.floor(rest / 128)) header.push((rest & 127) | (rest > 127 ? 0x80 : 0));
  return Buffer.concat([Buffer.from(header), prefix, deflateSync(content)]);
}

export function pack(...objects: Buffer[]): Buffer {
  const header = Buffer.from("PACK\0\0\0\x02\0\0\0\0", "latin1");
  header.writeUInt32BE(objects.length, 8);
  const body = Buffer.concat([header, ...objects]);
  return Buffer.concat([body, createHash("sha1").update(body).digest()]);
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest & 127) | (rest > 127 ? 0x80 : 0));
    if (rest <= 127) return Buffer.from(bytes);
  }
}

export function idOf(type: string, content: Buffer): string {
  return createHash("sha1").update(`${type} ${content.length}\0`).update(content).digest("hex");
}
