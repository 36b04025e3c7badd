/** URLs, IP addresses and CIDR ranges. Source: https://pkg.go.dev/k8s.io/apiserver/pkg/cel/library#URLs, #IP, #CIDR */
import { quoteGo } from "../go-text.ts";
import { CelError } from "../issues.ts";
import { noSuchOverload } from "../operators.ts";
import { ArrayList, ArrayMap, Opaque } from "../values.ts";
import type { Address } from "./ip-address.ts";
import { AddressError, formatAddress, isMapped, parseAddress, parsePrefix } from "./ip-address.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";
import type { Url } from "./url.ts";
import { escapedPath, hostnameAndPort, hostOf, parseRequestUri, parseUrl, queryPairs, UrlError } from "./url.ts";

const urlType = "kubernetes.URL";
const ipType = "net.IP";
const cidrType = "net.CIDR";

class UrlValue extends Opaque {
  readonly typeName = urlType;
  readonly url: Url;

  constructor(url: Url) {
    super();
    this.url = url;
  }

  override equals(other: Opaque): boolean {
    return other instanceof UrlValue && JSON.stringify(other.url) === JSON.stringify(this.url);
  }
}

/** Runs `body`, with what it says about a malformed text as a CelError. */
function parsing<T>(body: () => T, prefix = ""): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof UrlError || error instanceof AddressError) throw new CelError(`${prefix}${error.message}`);
    throw error;
  }
}

function succeeds(body: () => unknown): boolean {
  try {
    body();
    return true;
  } catch (error) {
    if (error instanceof CelError || error instanceof UrlError || error instanceof AddressError) return false;
    throw error;
  }
}

function queryOf({ url }: UrlValue): ArrayMap {
  const values = new Map<string, string[]>();
  for (const [key, value] of queryPairs(url)) {
    const known = values.get(key);
    if (known === undefined) values.set(key, [value]);
    else known.push(value);
  }
  const map = new ArrayMap();
  for (const [key, list] of values) map.set(key, new ArrayList(list));
  return map;
}

class Ip extends Opaque {
  readonly typeName = ipType;
  readonly address: Address;

  constructor(address: Address) {
    super();
    this.address = address;
  }

  override get costSize(): number {
    return this.address.family === 4 ? 4 : 16;
  }

  override equals(other: Opaque): boolean {
    return (
      other instanceof Ip && other.address.family === this.address.family && other.address.bits === this.address.bits
    );
  }

  override toString(): string {
    return formatAddress(this.address);
  }
}

/** No zones, no IPv4 inside IPv6: the strict reading of Kubernetes. */
function ip(text: string): Ip {
  const prefix = `IP Address ${quoteGo(text)} parse error during conversion from string: `;
  const address = parsing(() => parseAddress(text), prefix);
  if (address.zone !== "") throw new CelError(`IP address ${quoteGo(text)} with zone value is not allowed`);
  if (isMapped(address)) throw new CelError(`IPv4-mapped IPv6 address ${quoteGo(text)} is not allowed`);
  return new Ip(address);
}

class Cidr extends Opaque {
  readonly typeName = cidrType;
  readonly address: Address;
  readonly length: number;

  constructor(address: Address, length: number) {
    super();
    this.address = address;
    this.length = length;
  }

  override get costSize(): number {
    return Math.ceil(this.length / 8);
  }

  override equals(other: Opaque): boolean {
    return other instanceof Cidr && other.length === this.length && other.ip.equals(this.ip);
  }

  get ip(): Ip {
    return new Ip(this.address);
  }

  get #shift(): bigint {
    return BigInt((this.address.family === 4 ? 32 : 128) - this.length);
  }

  get masked(): Cidr {
    const { family, bits, zone } = this.address;
    return new Cidr({ family, bits: (bits >> this.#shift) << this.#shift, zone }, this.length);
  }

  contains({ address: { family, bits } }: Ip): boolean {
    return family === this.address.family && bits >> this.#shift === this.address.bits >> this.#shift;
  }

  override toString(): string {
    return `${formatAddress(this.address)}/${this.length}`;
  }
}

const cidrProblem = "network address parse error during conversion from string: ";

function cidr(text: string): Cidr {
  const { address, length } = parsing(() => parsePrefix(text), cidrProblem + cidrProblem);
  if (isMapped(address)) throw new CelError(`${cidrProblem}IPv4-mapped IPv6 address ${quoteGo(text)} is not allowed`);
  return new Cidr(address, length);
}

/** A text that is no address is told as an error of the overload, as in Kubernetes. */
function containsIpText(range: Cidr, text: string): boolean {
  let address: Ip;
  try {
    address = ip(text);
  } catch (error) {
    throw error instanceof CelError ? noSuchOverload() : error;
  }
  return range.contains(address);
}

function containsCidr(range: Cidr, part: Cidr): boolean {
  return part.length >= range.length && range.contains(part.ip);
}

function inRange(v4: string | undefined, v6: string | undefined): (address: Ip) => boolean {
  const ranges = [v4, v6].filter((each) => each !== undefined).map(cidr);
  return (address) => ranges.some((range) => range.contains(address));
}

const isLoopback = inRange("127.0.0.0/8", "::1/128");
const isLinkLocalMulticast = inRange("224.0.0.0/24", undefined);
const isLinkLocalUnicast = inRange("169.254.0.0/16", "fe80::/10");
const isMulticast = inRange("224.0.0.0/4", "ff00::/8");
const isV6LinkLocalMulticast = ({ address: { family, bits } }: Ip) =>
  family === 6 && bits >> 120n === 0xffn && ((bits >> 112n) & 0xfn) === 2n;
const isUnspecified = ({ address: { bits } }: Ip) => bits === 0n;
const isBroadcast = ({ address: { family, bits } }: Ip) => family === 4 && bits === 0xffffffffn;
const isGlobalUnicast = (address: Ip) =>
  ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast, isBroadcast].some((test) => test(address));

const urlProblem = "URL parse error during conversion from string: ";

export const netFunctions: readonly Overload[] = [
  overload(`url(string): ${urlType}`, (text: string) => new UrlValue(parsing(() => parseUrl(text), urlProblem))),
  overload("isURL(string): bool", (text: string) => succeeds(() => parseRequestUri(text))),
  overload(`${urlType}.getScheme(): string`, ({ url }: UrlValue) => url.scheme),
  overload(`${urlType}.getHost(): string`, ({ url }: UrlValue) => hostOf(url)),
  overload(`${urlType}.getHostname(): string`, ({ url }: UrlValue) => hostnameAndPort(url).hostname),
  overload(`${urlType}.getPort(): string`, ({ url }: UrlValue) => hostnameAndPort(url).port),
  overload(`${urlType}.getEscapedPath(): string`, ({ url }: UrlValue) => escapedPath(url)),
  overload(`${urlType}.getQuery(): map<string, list<string>>`, queryOf),
  overload(`ip(string): ${ipType}`, ip),
  overload("isIP(string): bool", (text: string) => succeeds(() => ip(text))),
  overload("#ip.isCanonical(string): bool", (text: string) => ip(text).toString() === text),
  overload(`string(${ipType}): string`, (address: Ip) => address.toString()),
  overload(`${ipType}.family(): int`, ({ address }: Ip) => BigInt(address.family)),
  overload(`${ipType}.isUnspecified(): bool`, isUnspecified),
  overload(`${ipType}.isLoopback(): bool`, isLoopback),
  overload(
    `${ipType}.isLinkLocalMulticast(): bool`,
    (address: Ip) => isLinkLocalMulticast(address) || isV6LinkLocalMulticast(address),
  ),
  overload(`${ipType}.isLinkLocalUnicast(): bool`, isLinkLocalUnicast),
  overload(`${ipType}.isGlobalUnicast(): bool`, isGlobalUnicast),
  overload(`cidr(string): ${cidrType}`, cidr),
  overload("isCIDR(string): bool", (text: string) => succeeds(() => cidr(text))),
  overload(`string(${cidrType}): string`, (range: Cidr) => range.toString()),
  overload(`${cidrType}.containsIP(string): bool`, containsIpText),
  overload(`${cidrType}.containsIP(${ipType}): bool`, (range: Cidr, address: Ip) => range.contains(address)),
  overload(`${cidrType}.containsCIDR(string): bool`, (range: Cidr, text: string) => containsCidr(range, cidr(text))),
  overload(`${cidrType}.containsCIDR(${cidrType}): bool`, containsCidr),
  overload(`${cidrType}.ip(): ${ipType}`, (range: Cidr) => range.ip),
  overload(`${cidrType}.masked(): ${cidrType}`, ({ masked }: Cidr) => masked),
  overload(`${cidrType}.prefixLength(): int`, ({ length }: Cidr) => BigInt(length)),
];
