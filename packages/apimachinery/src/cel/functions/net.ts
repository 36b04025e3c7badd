/** URLs, IP addresses and CIDR ranges. Source: https://pkg.go.dev/k8s.io/apiserver/pkg/cel/library#URLs, #IP, #CIDR */
import { isIPv4, isIPv6 } from "node:net";
import { CelError } from "../issues.ts";
import { ArrayList, ArrayMap, Opaque } from "../values.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";

const urlType = "kubernetes.URL";
const urlPattern = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/(?:[^/?#@]*@)?([^/?#]*))?([^?]*)(?:\?(.*))?$/;

class Url extends Opaque {
  readonly typeName = urlType;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;

  constructor(scheme: string, host: string, path: string, query: string) {
    super();
    this.scheme = scheme;
    this.host = host;
    this.path = path;
    this.query = query;
  }

  override equals(other: Opaque): boolean {
    return (
      other instanceof Url &&
      other.scheme === this.scheme &&
      other.host === this.host &&
      other.path === this.path &&
      other.query === this.query
    );
  }

  get hostname(): string {
    return /^\[(.*)\](?::\d*)?$/.exec(this.host)?.[1] ?? this.host.replace(/:\d*$/, "");
  }

  get port(): string {
    return /:(\d*)$/.exec(this.host.replace(/^\[.*\]/, ""))?.[1] ?? "";
  }
}

/** An absolute URI or an absolute path, as Go's url.ParseRequestURI takes; like it, without fragments: `#` is a character as any other. */
function parseUrl(text: string): Url | undefined {
  const match = urlPattern.exec(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (match === null || /[\x00-\x20\x7f]/.test(text) || /%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const [, scheme = "", host = "", path = "", query = ""] = match;
  if (scheme === "" && !text.startsWith("/")) return undefined;
  if (/:(?!\d*$)/.test(host.replace(/^\[.*\]/, ""))) return undefined;
  return new Url(scheme.toLowerCase(), host, path, query);
}

function url(text: string): Url {
  const parsed = parseUrl(text);
  if (parsed === undefined)
    throw new CelError(
      `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
    );
  return parsed;
}

function queryOf({ query }: Url): ArrayMap {
  const values = new Map<string, string[]>();
  for (const [key, value] of new URLSearchParams(query)) values.set(key, [...(values.get(key) ?? []), value]);
  const map = new ArrayMap();
  for (const [key, list] of values) map.add(key, new ArrayList(list));
  return map;
}

const ipType = "net.IP";
const cidrType = "net.CIDR";

class Ip extends Opaque {
  readonly typeName = ipType;
  readonly family: 4 | 6;
  readonly bits: bigint;

  constructor(family: 4 | 6, bits: bigint) {
    super();
    this.family = family;
    this.bits = bits;
  }

  override equals(other: Opaque): boolean {
    return other instanceof Ip && other.family === this.family && other.bits === this.bits;
  }

  isIn(prefix: bigint, length: number): boolean {
    const shift = BigInt((this.family === 4 ? 32 : 128) - length);
    return this.bits >> shift === prefix >> shift;
  }

  override toString(): string {
    if (this.family === 4) return [24n, 16n, 8n, 0n].map((shift) => (this.bits >> shift) & 255n).join(".");
    const groups = Array.from({ length: 8 }, (_, index) =>
      ((this.bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
    ).join(":");
    return new URL(`http://[${groups}]`).hostname.slice(1, -1);
  }
}

/** No zones, no IPv4 inside IPv6, no leading zeros: the strict reading of Kubernetes. */
function parseIp(text: string): Ip | undefined {
  if (isIPv4(text))
    return new Ip(
      4,
      text.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n),
    );
  if (!isIPv6(text) || text.includes("%") || text.includes(".")) return undefined;
  const [head = "", tail] = text.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const middle = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill("0");
  const ip = new Ip(
    6,
    [...left, ...middle, ...right].reduce((bits, part) => (bits << 16n) | BigInt(`0x${part}`), 0n),
  );
  return ip.bits >> 32n === 0xffffn ? undefined : ip;
}

function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined)
    throw new CelError(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  return parsed;
}

class Cidr extends Opaque {
  readonly typeName = cidrType;
  readonly address: Ip;
  readonly length: number;

  constructor(address: Ip, length: number) {
    super();
    this.address = address;
    this.length = length;
  }

  override equals(other: Opaque): boolean {
    return other instanceof Cidr && other.length === this.length && other.address.equals(this.address);
  }

  get masked(): Cidr {
    const shift = BigInt((this.address.family === 4 ? 32 : 128) - this.length);
    return new Cidr(new Ip(this.address.family, (this.address.bits >> shift) << shift), this.length);
  }

  contains(address: Ip): boolean {
    return address.family === this.address.family && address.isIn(this.address.bits, this.length);
  }

  override toString(): string {
    return `${this.address}/${this.length}`;
  }
}

function parseCidr(text: string): Cidr | undefined {
  const [address = "", length = "", ...more] = text.split("/");
  const parsed = parseIp(address);
  if (parsed === undefined || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  return Number(length) <= (parsed.family === 4 ? 32 : 128) ? new Cidr(parsed, Number(length)) : undefined;
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined)
    throw new CelError(
      `network address parse error during conversion from string: invalid CIDR ${JSON.stringify(text)}`,
    );
  return parsed;
}

function inRange(v4: string | undefined, v6: string | undefined): (address: Ip) => boolean {
  const ranges = [v4, v6].filter((each) => each !== undefined).map(cidr);
  return (address) => ranges.some((range) => range.contains(address));
}

const isLoopback = inRange("127.0.0.0/8", "::1/128");
const isLinkLocalMulticast = inRange("224.0.0.0/24", undefined);
const isLinkLocalUnicast = inRange("169.254.0.0/16", "fe80::/10");
const isMulticast = inRange("224.0.0.0/4", "ff00::/8");
const isV6LinkLocalMulticast = (address: Ip) =>
  address.family === 6 && address.bits >> 120n === 0xffn && ((address.bits >> 112n) & 0xfn) === 2n;
const isUnspecified = ({ bits }: Ip) => bits === 0n;
const isBroadcast = (address: Ip) => address.family === 4 && address.bits === 0xffffffffn;
const isGlobalUnicast = (address: Ip) =>
  ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast, isBroadcast].some((test) => test(address));

export const netFunctions: readonly Overload[] = [
  overload(`url(string): ${urlType}`, url),
  overload("isURL(string): bool", (text: string) => parseUrl(text) !== undefined),
  overload(`${urlType}.getScheme(): string`, ({ scheme }: Url) => scheme),
  overload(`${urlType}.getHost(): string`, ({ host }: Url) => host),
  overload(`${urlType}.getHostname(): string`, ({ hostname }: Url) => hostname),
  overload(`${urlType}.getPort(): string`, ({ port }: Url) => port),
  overload(`${urlType}.getEscapedPath(): string`, ({ path }: Url) => path),
  overload(`${urlType}.getQuery(): map<string, list<string>>`, queryOf),
  overload(`ip(string): ${ipType}`, ip),
  overload("isIP(string): bool", (text: string) => parseIp(text) !== undefined),
  overload("#ip.isCanonical(string): bool", (text: string) => ip(text).toString() === text),
  overload(`string(${ipType}): string`, (address: Ip) => address.toString()),
  overload(`${ipType}.family(): int`, ({ family }: Ip) => BigInt(family)),
  overload(`${ipType}.isUnspecified(): bool`, isUnspecified),
  overload(`${ipType}.isLoopback(): bool`, isLoopback),
  overload(
    `${ipType}.isLinkLocalMulticast(): bool`,
    (address: Ip) => isLinkLocalMulticast(address) || isV6LinkLocalMulticast(address),
  ),
  overload(`${ipType}.isLinkLocalUnicast(): bool`, isLinkLocalUnicast),
  overload(`${ipType}.isGlobalUnicast(): bool`, isGlobalUnicast),
  overload(`cidr(string): ${cidrType}`, cidr),
  overload("isCIDR(string): bool", (text: string) => parseCidr(text) !== undefined),
  overload(`string(${cidrType}): string`, (range: Cidr) => range.toString()),
  overload(`${cidrType}.containsIP(string): bool`, (range: Cidr, text: string) => range.contains(ip(text))),
  overload(`${cidrType}.containsIP(${ipType}): bool`, (range: Cidr, address: Ip) => range.contains(address)),
  overload(`${cidrType}.containsCIDR(string): bool`, (range: Cidr, text: string) => containsCidr(range, cidr(text))),
  overload(`${cidrType}.containsCIDR(${cidrType}): bool`, containsCidr),
  overload(`${cidrType}.ip(): ${ipType}`, ({ address }: Cidr) => address),
  overload(`${cidrType}.masked(): ${cidrType}`, ({ masked }: Cidr) => masked),
  overload(`${cidrType}.prefixLength(): int`, ({ length }: Cidr) => BigInt(length)),
];

function containsCidr(range: Cidr, part: Cidr): boolean {
  return part.length >= range.length && range.contains(part.address);
}
