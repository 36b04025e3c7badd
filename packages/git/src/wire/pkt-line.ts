/**
 * pkt-line framing (gitprotocol-common, gitprotocol-v2):
 *
 *   pkt-line      = data-pkt / flush-pkt / delim-pkt / response-end-pkt
 *   data-pkt      = pkt-len pkt-payload
 *   pkt-len       = 4*(HEXDIG)            ; counts itself, so 0004 is an empty line
 *   pkt-payload   = (pkt-len - 4)*(OCTET) ; at most 65516 octets
 *   flush-pkt     = "0000"
 *   delim-pkt     = "0001"
 *   response-end-pkt = "0002"
 *
 * 0003 is not a length anybody may send. Lengths are read in either case and written in lower case.
 */
import { ProtocolError } from "./protocol-error.ts";

/** Longest pkt-line including its four length digits, in bytes (LARGE_PACKET_MAX). */
export const maxPktLineBytes = 65520;
/** Longest payload of one pkt-line, in bytes. */
export const maxPktPayloadBytes = maxPktLineBytes - 4;

/** One frame. `data` carries the payload without the length. */
export type PktLine =
  | { kind: "data"; payload: Buffer }
  | { kind: "flush" }
  | { kind: "delim" }
  | { kind: "response-end" };

export const flushPkt: Buffer = Buffer.from("0000");
export const delimPkt: Buffer = Buffer.from("0001");
export const responseEndPkt: Buffer = Buffer.from("0002");

/**
 * Frames `payload` as one data-pkt. Text is sent as UTF-8; no newline is added.
 * @throws {ProtocolError} when the payload does not fit one line.
 */
export function formatPktLine(payload: string | Uint8Array): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  if (bytes.length > maxPktPayloadBytes) {
    throw new ProtocolError(`a pkt-line payload may hold at most ${maxPktPayloadBytes} bytes, not ${bytes.length}`);
  }
  const line = Buffer.allocUnsafe(bytes.length + 4);
  line.write((bytes.length + 4).toString(16).padStart(4, "0"), 0, "latin1");
  line.set(bytes, 4);
  return line;
}

/**
 * Reads the first frame of `buffer`. Answers the frame and how many bytes it took, or undefined while bytes are missing.
 * @throws {ProtocolError} when the four length digits are not a length.
 */
export function parsePktLine(buffer: Buffer): { line: PktLine; size: number } | undefined {
  if (buffer.length < 4) return undefined;
  const size = parsePktLength(buffer);
  if (size === 0) return { line: { kind: "flush" }, size: 4 };
  if (size === 1) return { line: { kind: "delim" }, size: 4 };
  if (size === 2) return { line: { kind: "response-end" }, size: 4 };
  if (size < 4 || size > maxPktLineBytes) {
    throw new ProtocolError(`pkt-line length ${size} is out of range: it must be 0 to 2 or 4 to ${maxPktLineBytes}`);
  }
  if (buffer.length < size) return undefined;
  return { line: { kind: "data", payload: buffer.subarray(4, size) }, size };
}

function parsePktLength(buffer: Buffer): number {
  let value = 0;
  for (let index = 0; index < 4; index++) {
    const digit = hexDigit(buffer[index] as number);
    if (digit < 0) {
      throw new ProtocolError(
        `pkt-line length ${JSON.stringify(buffer.toString("latin1", 0, 4))} is not four hexadecimal digits`,
      );
    }
    value = value * 16 + digit;
  }
  return value;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  if (code >= 0x41 && code <= 0x46) return code - 0x37;
  return -1;
}

/** Splits a complete message into frames. @throws {ProtocolError} on a bad length or a truncated last line. */
export function parsePktLines(message: Buffer): PktLine[] {
  const lines: PktLine[] = [];
  let offset = 0;
  while (offset < message.length) {
    const parsed = parsePktLine(message.subarray(offset));
    if (!parsed) throw new ProtocolError("the message ends in the middle of a pkt-line");
    lines.push(parsed.line);
    offset += parsed.size;
  }
  return lines;
}
