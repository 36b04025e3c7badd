import { normalizePath, UnknownRevisionError } from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";

/** Longest path, in bytes: what Linux takes. */
const maxPathBytes = 4096;

/** A path inside a repository. Git's paths are bytes, mostly but not always UTF-8. */
export interface RepositoryPath {
  /** As people read it; bytes that are not UTF-8 became U+FFFD. */
  text: string;
  /** Its bytes, one character each (latin1): equal for equal paths only. Empty for the root. */
  bytes: string;
  /** Whether `text` says all of it. */
  isText: boolean;
}

/** A path given as its bytes. @throws {UnknownRevisionError} when no tree can hold it, @throws {GatewayError} 400 when it is too long. */
export function repositoryPath(bytes: Buffer): RepositoryPath {
  if (bytes.length > maxPathBytes)
    throw new GatewayError(400, `path is longer than ${maxPathBytes} bytes, which no file system takes`);
  const clean = normalizePath(bytes.toString("latin1"));
  const text = Buffer.from(clean, "latin1").toString("utf8");
  return { text, bytes: clean, isText: Buffer.from(text).toString("latin1") === clean };
}

/** The path in a query string, percent-encoded byte by byte, so that paths of any bytes can be named. */
export function pathOf(url: string, name = "path"): RepositoryPath {
  const query = url.slice(url.indexOf("?") + 1);
  if (!url.includes("?")) return repositoryPath(Buffer.alloc(0));
  for (const part of query.split("&")) {
    const [key = "", value = ""] = part.split(/=(.*)/s);
    if (key === name) return repositoryPath(percentDecode(value));
  }
  return repositoryPath(Buffer.alloc(0));
}

function percentDecode(text: string): Buffer {
  if (/%(?![0-9a-f]{2})/i.test(text))
    throw new GatewayError(400, "path is not URL-encoded: % must begin a byte such as %20");
  const spaced = text.replaceAll("+", " ");
  const bytes = Buffer.from(spaced, "utf8").toString("latin1");
  return Buffer.from(
    bytes.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
}

/** Percent-encodes bytes that are not UTF-8 for the answer, so that they can be asked for. */
export function percentEncode(bytes: string): string {
  return [...bytes]
    .map((byte) =>
      /[A-Za-z0-9_.~/-]/.test(byte) ? byte : `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("");
}

/**
 * How to tell git to look at one path only, for commands that read revisions and paths from standard input with `--stdin`: an
 * argument of a process is text, so other bytes go that way.
 */
export function pathspecArguments(path: RepositoryPath): { args: string[]; stdin?: Buffer } {
  if (path.bytes === "") return { args: ["--"] };
  if (path.isText) return { args: ["--", `:(literal,top)${path.text}`] };
  if (path.bytes.includes("\n"))
    throw new UnknownRevisionError(`path ${JSON.stringify(path.text)} cannot be asked for here`);
  return { args: ["--stdin"], stdin: Buffer.from(`--\n:(literal,top)${path.bytes}\n`, "latin1") };
}

/** The path as text, for commands that take no other. @throws {GatewayError} 400 for other bytes. */
export function textPath(path: RepositoryPath): string {
  if (path.isText) return path.text;
  throw new GatewayError(400, "this view takes paths in UTF-8 only; tree, blob, raw and commits take any bytes");
}
