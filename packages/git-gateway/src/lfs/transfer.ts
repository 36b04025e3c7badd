import { pipeline } from "node:stream/promises";
import { GatewayError } from "../access/gateway-error.ts";
import { requestBody } from "../http/body.ts";
import type { LfsCall } from "./call.ts";
import type { ByteRange } from "./lfs-store.ts";

/** GET and HEAD objects/<oid>: the content, or a range of it, so that an interrupted download goes on where it was. */
export async function serveDownload(call: LfsCall): Promise<void> {
  const { argument: oid, access, repository, exchange, lfs } = call;
  const { request, response, signal } = exchange;
  const store = lfs.stores.of(access.view);
  const owner = { view: access.view, backend: repository };
  const size = await store.sizeOf(owner, oid);
  if (size === undefined) throw missing(call);
  const range = rangeOf(request.headers.range, size);
  response.statusCode = range ? 206 : 200;
  response.setHeader("content-type", "application/octet-stream");
  response.setHeader("content-length", range ? range.end - range.start + 1 : size);
  if (range) response.setHeader("content-range", `bytes ${range.start}-${range.end}/${size}`);
  response.setHeader("accept-ranges", "bytes");
  response.setHeader("etag", `"${oid}"`);
  // What it is, is the uploader's word: a browser must not show it as a page of this site.
  response.setHeader("content-disposition", "attachment");
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("cache-control", "private, max-age=31536000, immutable");
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const content = await store.read(owner, oid, range);
  if (!content) throw missing(call);
  await pipeline(content, response, { signal });
}

/** PUT objects/<oid>?size=<bytes>: stores what is sent, if it is that object. */
export async function serveUpload({ argument: oid, route, access, repository, exchange, lfs }: LfsCall): Promise<void> {
  const { request, response, signal } = exchange;
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity")
    throw new GatewayError(415, "an object is sent as it is: take the Content-Encoding header away");
  const size = announcedSize(request.headers["content-length"], route.query.get("size"), lfs.limits.maxObjectBytes);
  await lfs.stores
    .of(access.view)
    .write(
      { view: access.view, backend: repository },
      { oid, size },
      requestBody(request, lfs.limits.maxObjectBytes + maxChunkBytes),
      signal,
    );
  response.statusCode = 200;
  response.end();
}

/** What one read of a body may bring beyond its announced end before the store stops reading. */
const maxChunkBytes = 1024 * 1024;

function announcedSize(header: string | undefined, query: string | null, maxObjectBytes: number): number {
  const sizes = [header, query].filter((text) => text !== undefined && text !== null).map(Number);
  const [size] = sizes;
  if (size === undefined)
    throw new GatewayError(411, "say how long the object is: by Content-Length, or by ?size=<bytes>");
  if (!sizes.every((each) => Number.isSafeInteger(each) && each >= 0))
    throw new GatewayError(422, "the size of an object is a whole number of bytes");
  if (sizes.some((each) => each !== size))
    throw new GatewayError(422, `${header} bytes are being sent of an object announced with ${query}`);
  if (size > maxObjectBytes)
    throw new GatewayError(413, `the file is larger than the ${maxObjectBytes} bytes allowed for one`);
  return size;
}

/** One range of bytes (RFC 9110 §14.2); several at once, and other units, are answered with all of it. @throws {GatewayError} 416 */
export function rangeOf(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  const [first = "", last = ""] = match?.slice(1) ?? [];
  if (!match || (first === "" && last === "")) return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (start > end) throw new GatewayError(416, `the object has ${size} bytes`, { "content-range": `bytes */${size}` });
  return { start, end };
}

function missing({ argument: oid, access: { view } }: LfsCall): GatewayError {
  return new GatewayError(404, `repository "${view.namespace}/${view.name}" has no object ${oid}`);
}
