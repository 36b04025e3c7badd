/** URLs as Go reads and writes them; texts are handled byte by byte. Source: Go 1.26 net/url. */
import { quoteGo } from "../go-text.ts";
import { parseAddress } from "./ip-address.ts";

export interface Url {
  scheme: string;
  host: string;
  path: string;
  rawPath: string;
  query: string;
}

/** What is wrong with a text that is no URL, in Go's words. */
export class UrlError extends Error {}

type Mode = "path" | "host" | "zone" | "userinfo" | "query";

const plainBytes = /[A-Za-z0-9\-_.~]/;
const allowed: Readonly<Record<Mode, RegExp>> = {
  path: /[$&+,/:;=@]/,
  host: /[!$&'()*+,;=:[\]<>"]/,
  zone: /[!$&'()*+,;=:[\]<>"]/,
  userinfo: /[$&+,;=]/,
  query: /(?!)/,
};

function isAllowed(byte: string, mode: Mode): boolean {
  return plainBytes.test(byte) || allowed[mode].test(byte);
}

const toBytes = (text: string) => Buffer.from(text, "utf8").toString("latin1");
const toText = (bytes: string) => Buffer.from(bytes, "latin1").toString("utf8");

function unescapeText(text: string, mode: Mode): string {
  let result = "";
  for (let at = 0; at < text.length; at++) {
    const byte = text.charAt(at);
    if (byte === "%") {
      result += unescapeByte(text.slice(at, at + 3), mode);
      at += 2;
    } else if (byte === "+" && mode === "query") result += " ";
    else {
      if ((mode === "host" || mode === "zone") && byte < "\x80" && !isAllowed(byte, mode))
        throw new UrlError(`invalid character ${quoteGo(byte)} in host name`);
      result += byte;
    }
  }
  return result;
}

function unescapeByte(sequence: string, mode: Mode): string {
  const refuse = () => new UrlError(`invalid URL escape ${quoteGo(toText(sequence))}`);
  if (!/^%[0-9a-fA-F]{2}$/.test(sequence)) throw refuse();
  const code = Number.parseInt(sequence.slice(1), 16);
  const byte = String.fromCharCode(code);
  if (mode === "host" && code < 0x80 && sequence !== "%25") throw refuse();
  if (mode === "zone" && sequence !== "%25" && byte !== " " && !isAllowed(byte, "host")) throw refuse();
  return byte;
}

function escapePath(path: string): string {
  return path.replace(
    /[^A-Za-z0-9\-_.~$&+,/:;=@]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** An absolute URL or path. @throws UrlError */
export function parseRequestUri(text: string): Url {
  return withContext(text, () => parse(toBytes(text), true));
}

/** As `parseRequestUri`, less what comes after a `#`. @throws UrlError */
export function parseUrl(text: string): Url {
  parseRequestUri(text);
  return withContext(text, () => parse(toBytes(text).split("#")[0] ?? "", false));
}

function withContext(text: string, body: () => Url): Url {
  try {
    return body();
  } catch (error) {
    if (error instanceof UrlError) throw new UrlError(`parse ${quoteGo(text)}: ${error.message}`);
    throw error;
  }
}

function parse(raw: string, viaRequest: boolean): Url {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\x00-\x1f\x7f]/.test(raw)) throw new UrlError("net/url: invalid control character in URL");
  if (raw === "" && viaRequest) throw new UrlError("empty url");
  if (raw === "*") return { scheme: "", host: "", path: "*", rawPath: "", query: "" };
  if (raw.startsWith(":")) throw new UrlError("missing protocol scheme");
  const found = /^([A-Za-z][A-Za-z0-9+\-.]*):/.exec(raw)?.[1];
  const scheme = (found ?? "").toLowerCase();
  const afterScheme = found === undefined ? raw : raw.slice(found.length + 1);
  const question = afterScheme.indexOf("?");
  let rest = question < 0 ? afterScheme : afterScheme.slice(0, question);
  const query = question < 0 ? "" : afterScheme.slice(question + 1);
  if (!rest.startsWith("/")) {
    if (scheme !== "") return { scheme, host: "", path: "", rawPath: "", query };
    if (viaRequest) throw new UrlError("invalid URI for request");
    if ((rest.split("/")[0] ?? "").includes(":")) throw new UrlError("first path segment in URL cannot contain colon");
  }
  let host = "";
  if ((scheme !== "" || (!viaRequest && !rest.startsWith("///"))) && rest.startsWith("//")) {
    const authority = rest.slice(2);
    const slash = authority.indexOf("/");
    rest = slash < 0 ? "" : authority.slice(slash);
    host = parseAuthority(scheme, slash < 0 ? authority : authority.slice(0, slash));
  }
  const path = unescapeText(rest, "path");
  return { scheme, host, path, rawPath: escapePath(path) === rest ? "" : rest, query };
}

function parseAuthority(scheme: string, authority: string): string {
  const at = authority.lastIndexOf("@");
  const host = parseHost(scheme, authority.slice(at + 1));
  const userinfo = at < 0 ? "" : authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userinfo)) throw new UrlError("net/url: invalid userinfo");
  unescapeText(userinfo, "userinfo");
  return host;
}

const isOptionalPort = (text: string) => /^(:\d*)?$/.test(text);

function parseHost(scheme: string, host: string): string {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) throw new UrlError("invalid IP-literal");
  if (bracket === 0) return parseLiteral(host);
  const first = host.indexOf(":");
  if (first >= 0) {
    const isStrict = scheme === "http" || scheme === "https";
    checkPort(host.slice(isStrict ? first : host.lastIndexOf(":")));
  }
  return unescapeText(host, "host");
}

function checkPort(port: string): void {
  if (!isOptionalPort(port)) throw new UrlError(`invalid port ${quoteGo(toText(port))} after host`);
}

/** `[::1]:80` */
function parseLiteral(host: string): string {
  const end = host.lastIndexOf("]");
  if (end < 0) throw new UrlError("missing ']' in host");
  const port = host.slice(end + 1);
  checkPort(port);
  const name = host.slice(1, end);
  const zone = name.indexOf("%25");
  const address =
    zone < 0
      ? unescapeText(name, "host")
      : unescapeText(name.slice(0, zone), "host") + unescapeText(name.slice(zone), "zone");
  let family: number;
  try {
    ({ family } = parseAddress(address));
  } catch (error) {
    throw new UrlError(`invalid host: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (family === 4) throw new UrlError("invalid IP-literal");
  return `[${address}]${port}`;
}

export function hostOf({ host }: Url): string {
  return toText(host);
}

export function hostnameAndPort({ host }: Url): { hostname: string; port: string } {
  const colon = host.lastIndexOf(":");
  const hasPort = colon >= 0 && isOptionalPort(host.slice(colon));
  const name = hasPort ? host.slice(0, colon) : host;
  const hostname = name.startsWith("[") && name.endsWith("]") ? name.slice(1, -1) : name;
  return { hostname: toText(hostname), port: hasPort ? host.slice(colon + 1) : "" };
}

/** The path with escapes: as it was written where that is valid. */
export function escapedPath({ path, rawPath }: Url): string {
  if (rawPath !== "" && /^[A-Za-z0-9\-_.~$&+,/:;=@!'()*[\]%]*$/.test(rawPath)) return rawPath;
  return path === "*" ? "*" : escapePath(path);
}

/** Pairs of the query; what is malformed is left out. */
export function queryPairs({ query }: Url): [string, string][] {
  const pairs: [string, string][] = [];
  for (const part of query.split("&")) {
    if (part === "" || part.includes(";")) continue;
    const equals = part.indexOf("=");
    try {
      const key = unescapeText(equals < 0 ? part : part.slice(0, equals), "query");
      pairs.push([toText(key), equals < 0 ? "" : toText(unescapeText(part.slice(equals + 1), "query"))]);
    } catch (error) {
      if (!(error instanceof UrlError)) throw error;
    }
  }
  return pairs;
}
