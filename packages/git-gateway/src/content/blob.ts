import { once } from "node:events";
import { type GitStream, resolveCommit, streamGit } from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";
import { isImmutable, notModified, numberOf, revisionOf } from "./answer.ts";
import { type ByteRange, byteRange } from "./byte-range.ts";
import { attachment, contentType, isActive, sniffBytes } from "./content-type.ts";
import { maxPointerBytes, parseLfsPointer } from "./lfs-pointer.ts";
import type { ContentRequest } from "./serve.ts";

/** Files up to this size are answered from the open reader; larger ones are streamed by a process of their own. */
const inlineBytes = 1024 * 1024;
const streamTimeoutMs = 30 * 60_000;

/** The bytes of a file for pages and scripts: what could run in a browser is sent as text. `maxBytes` refuses a larger one (413). */
export function serveBlob(request: ContentRequest): Promise<void> {
  return serveFile(request, false);
}

/** The bytes of a file for people who follow a link: what could run in a browser is sent as a file to save. */
export function serveRaw(request: ContentRequest): Promise<void> {
  return serveFile(request, true);
}

async function serveFile(request: ContentRequest, asLink: boolean): Promise<void> {
  const rev = revisionOf(request);
  const { path, response, reader } = request;
  const maxBytes = numberOf(request.query, "maxBytes", { min: 0, max: 2 ** 40, default: 2 ** 40 });
  const commitSha = await resolveCommit(rev, reader);
  const blob = await request.trees.file(reader, commitSha, path);
  if (blob.size > maxBytes)
    throw new GatewayError(
      413,
      `file ${JSON.stringify(path.text)} has ${blob.size} bytes, more than maxBytes=${maxBytes}`,
    );
  if (notModified(request, `"${blob.objectId}"`, { immutable: isImmutable(rev) })) return;
  response.setHeader("x-krate-commit", commitSha);
  response.setHeader("x-krate-blob", blob.objectId);
  // Nothing in it runs, loads anything or is of the page's origin, whatever a browser takes it for.
  response.setHeader("content-security-policy", "default-src 'none'; sandbox");
  response.setHeader("cross-origin-resource-policy", "same-origin");
  response.setHeader("accept-ranges", "bytes");
  if (asLink && isActive(path.text)) response.setHeader("content-disposition", attachment(path.text));
  const range = applyRange(request, blob);
  if (range === "unsatisfiable") {
    response.end();
    return;
  }
  if (blob.size <= inlineBytes) await sendInline(request, blob.objectId, range);
  else await sendStreamed(request, blob.objectId, range);
}

/** Sets status and length; a range counts only while the file is the one the caller has part of. */
function applyRange(
  { request, response }: ContentRequest,
  blob: { objectId: string; size: number },
): ByteRange | "unsatisfiable" {
  const condition = request.headers["if-range"];
  const header = condition === undefined || condition === `"${blob.objectId}"` ? request.headers.range : undefined;
  const range = byteRange(header, blob.size);
  if (range === "unsatisfiable") {
    response.statusCode = 416;
    response.setHeader("content-range", `bytes */${blob.size}`);
    response.setHeader("content-length", 0);
    return range;
  }
  const { start, end } = range ?? { start: 0, end: blob.size - 1 };
  if (range) {
    response.statusCode = 206;
    response.setHeader("content-range", `bytes ${start}-${end}/${blob.size}`);
  }
  response.setHeader("content-length", end - start + 1);
  return { start, end };
}

async function sendInline(request: ContentRequest, objectId: string, { start, end }: ByteRange): Promise<void> {
  const { response, path } = request;
  const content = (await request.reader.read(objectId))?.content ?? Buffer.alloc(0);
  const pointer = content.length < maxPointerBytes ? parseLfsPointer(content) : undefined;
  if (pointer) {
    response.setHeader("x-krate-lfs-oid", pointer.oid);
    response.setHeader("x-krate-lfs-size", pointer.size);
  }
  response.setHeader("content-type", contentType(path.text, content));
  response.end(request.request.method === "HEAD" ? undefined : content.subarray(start, end + 1));
}

async function sendStreamed(request: ContentRequest, objectId: string, range: ByteRange): Promise<void> {
  const { response, repository, path } = request;
  const signal = request.signal;
  const stream = streamGit(["cat-file", "blob", objectId], {
    gitDir: repository.gitDir,
    signal,
    timeoutMs: streamTimeoutMs,
  });
  // Judged by what came, not by the exit of a process that need not be read to its end.
  stream.finished.catch(() => undefined);
  try {
    await copyRange(request, stream, range, (start) =>
      response.setHeader("content-type", contentType(path.text, start)),
    );
    response.end();
  } finally {
    stream.kill();
  }
}

async function copyRange(
  { request, response, signal }: ContentRequest,
  stream: GitStream,
  { start, end }: ByteRange,
  onStart: (bytes: Buffer) => void,
): Promise<void> {
  let at = 0;
  let head: Buffer[] | undefined = [];
  const write = async (chunk: Buffer) => {
    const from = Math.max(0, start - at);
    const part = chunk.subarray(from, Math.max(from, end + 1 - at));
    at += chunk.length;
    if (part.length > 0 && !response.write(part)) await once(response, "drain", { signal });
  };
  for await (const chunk of stream.stdout as AsyncIterable<Buffer>) {
    if (head) {
      head.push(chunk);
      if (head.reduce((sum, { length }) => sum + length, 0) < sniffBytes) continue;
      const bytes = Buffer.concat(head);
      head = undefined;
      onStart(bytes);
      if (request.method === "HEAD") return;
      await write(bytes);
    } else await write(chunk);
    if (at > end) return;
  }
  if (at <= end) throw new Error("git ended in the middle of a file");
}
