/** IP addresses and prefixes as Go reads and writes them. Source: Go 1.26 net/netip. */
import { quoteGo } from "../go-text.ts";

export interface Address {
  family: 4 | 6;
  bits: bigint;
  zone: string;
}

/** What is wrong with a text that is no address or prefix, in Go's words. */
export class AddressError extends Error {}

/** @throws AddressError */
export function parseAddress(text: string): Address {
  const refuse = (problem: string, at = ""): AddressError =>
    new AddressError(`ParseAddr(${quoteGo(text)}): ${problem}${at === "" ? "" : ` (at ${quoteGo(at)})`}`);
  switch (/[.:%]/.exec(text)?.[0] ?? "") {
    case ".":
      return { family: 4, bits: parseFields(text, refuse), zone: "" };
    case ":":
      return parseIpv6(text, refuse);
    case "%":
      throw refuse("missing IPv6 address");
    default:
      throw refuse("unable to parse IP");
  }
}

type Refuse = (problem: string, at?: string) => AddressError;

/** The four fields of an IPv4 address. */
function parseFields(text: string, refuse: Refuse): bigint {
  const fields: number[] = [];
  let value = 0;
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (/\d/.test(char)) {
      if (digits === 1 && value === 0) throw refuse("IPv4 field has octet with leading zero");
      value = value * 10 + Number(char);
      digits++;
      if (value > 255) throw refuse("IPv4 field has value >255");
    } else if (char === ".") {
      if (at === 0 || at === text.length - 1 || text.charAt(at - 1) === ".")
        throw refuse("IPv4 field must have at least one digit", text.slice(at));
      if (fields.length === 3) throw refuse("IPv4 address too long");
      fields.push(value);
      value = 0;
      digits = 0;
    } else throw refuse("unexpected character", text.slice(at));
  }
  if (fields.length < 3) throw refuse("IPv4 address too short");
  return [...fields, value].reduce((bits, field) => (bits << 8n) | BigInt(field), 0n);
}

function parseIpv6(text: string, refuse: Refuse): Address {
  const percent = text.indexOf("%");
  const zone = percent < 0 ? "" : text.slice(percent + 1);
  if (percent >= 0 && zone === "") throw refuse("zone must be a non-empty string");
  const groups = parseGroups(percent < 0 ? text : text.slice(0, percent), refuse);
  return { family: 6, bits: groups.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n), zone };
}

/** The eight groups of an IPv6 address. */
function parseGroups(text: string, refuse: Refuse): number[] {
  const groups: number[] = [];
  let ellipsis = -1;
  let rest = text;
  if (rest.startsWith("::")) {
    ellipsis = 0;
    rest = rest.slice(2);
  }
  while (groups.length < 8 && !(ellipsis === 0 && text === "::")) {
    const digits = /^[0-9a-fA-F]*/.exec(rest)?.[0] ?? "";
    if (digits.length > 4) throw refuse("each group must have 4 or less digits", rest);
    if (digits === "") throw refuse("each colon-separated field must have at least one digit", rest);
    if (rest.charAt(digits.length) === ".") {
      if (ellipsis < 0 && groups.length !== 6)
        throw refuse("embedded IPv4 address must replace the final 2 fields of the address", rest);
      if (groups.length > 6)
        throw refuse("too many hex fields to fit an embedded IPv4 at the end of the address", rest);
      const fields = Number(parseFields(rest, refuse));
      groups.push(Math.floor(fields / 65536), fields % 65536);
      rest = "";
      break;
    }
    groups.push(Number.parseInt(digits, 16));
    rest = rest.slice(digits.length);
    if (rest === "") break;
    if (!rest.startsWith(":")) throw refuse("unexpected character, want colon", rest);
    if (rest.length === 1) throw refuse("colon must be followed by more characters", rest);
    rest = rest.slice(1);
    if (!rest.startsWith(":")) continue;
    if (ellipsis >= 0) throw refuse("multiple :: in address", rest);
    ellipsis = groups.length;
    rest = rest.slice(1);
    if (rest === "") break;
  }
  if (rest !== "") throw refuse("trailing garbage after address", rest);
  if (groups.length === 8 && ellipsis >= 0) throw refuse("the :: must expand to at least one field of zeros");
  if (groups.length < 8 && ellipsis < 0) throw refuse("address string too short");
  const zeros = Array<number>(8 - groups.length).fill(0);
  return ellipsis < 0 ? groups : [...groups.slice(0, ellipsis), ...zeros, ...groups.slice(ellipsis)];
}

/** True for IPv4 addresses inside IPv6: `::ffff:1.2.3.4`. */
export function isMapped({ family, bits }: Address): boolean {
  return family === 6 && bits >> 32n === 0xffffn;
}

export function formatAddress({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  ).join(":");
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}

export interface Prefix {
  address: Address;
  length: number;
}

/** @throws AddressError */
export function parsePrefix(text: string): Prefix {
  const refuse = (problem: string) => new AddressError(`netip.ParsePrefix(${quoteGo(text)}): ${problem}`);
  const slash = text.lastIndexOf("/");
  if (slash < 0) throw refuse("no '/'");
  const address = addressOf(text.slice(0, slash), refuse);
  if (address.zone !== "") throw refuse("IPv6 zones cannot be present in a prefix");
  const length = text.slice(slash + 1);
  if (!/^([1-9]\d*|\d)$/.test(length) || length.length > 9) throw refuse(`bad bits after slash: ${quoteGo(length)}`);
  if (Number(length) > (address.family === 4 ? 32 : 128)) throw refuse("prefix length out of range");
  return { address, length: Number(length) };
}

function addressOf(text: string, refuse: (problem: string) => AddressError): Address {
  try {
    return parseAddress(text);
  } catch (error) {
    if (error instanceof AddressError) throw refuse(error.message);
    throw error;
  }
}
