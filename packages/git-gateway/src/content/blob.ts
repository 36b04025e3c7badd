import { pipeline } from "node:stream/promises";
import { resolveCommit, streamGit } from "@krate/git";
import { isImmutable, notModified, revisionOf } from "./answer.ts";
import type { ContentRequest } from "./serve.ts";

/** Files up to this size are answered from the open reader; larger ones are streamed by a process of their own. */
const inlineBytes = 1024 * 1024;
/** How much of a file decides whether it is text, as git itself does it. */
const sniffBytes = 8000;

/** Types a browser may show without running anything; every other file is text or a download. SVG runs scripts, so it is text. */
const imageTypes: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  ico: "image/x-icon",
};

/** The raw bytes of a file, with a content type that cannot be made to run. */
export async function serveBlob(request: ContentRequest): Promise<void> {
  const rev = revisionOf(request);
  const path = request.path.text;
  const commitSha = await resolveCommit(rev, request.reader);
  const blob = await request.trees.file(request.reader, commitSha, request.path);
  if (notModified(request, `"${blob.objectId}"`, { immutable: isImmutable(rev) })) return;
  const { response } = request;
  response.setHeader("x-krate-commit", commitSha);
  response.setHeader("x-krate-blob", blob.objectId);
  response.setHeader("content-security-policy", "default-src 'none'; sandbox");
  response.setHeader("content-length", blob.size);
  if (blob.size <= inlineBytes) {
    const content = (await request.reader.read(blob.objectId))?.content ?? Buffer.alloc(0);
    response.setHeader("content-type", contentType(path, content));
    response.end(request.request.method === "HEAD" ? undefined : content);
    return;
  }
  await streamBlob(request, path, blob.objectId);
}

async function streamBlob(request: ContentRequest, path: string, objectId: string): Promise<void> {
  const { response, repository, signal } = request;
  const stream = streamGit(["cat-file", "blob", objectId], {
    gitDir: repository.gitDir,
    signal,
    timeoutMs: 10 * 60_000,
  });
  const chunks: AsyncIterator<Buffer> = stream.stdout[Symbol.asyncIterator]();
  const first = await chunks.next();
  const start = first.done ? Buffer.alloc(0) : first.value;
  response.setHeader("content-type", contentType(path, start));
  if (request.request.method === "HEAD") {
    stream.kill();
    response.end();
    return;
  }
  await pipeline(async function* () {
    yield start;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  }, response);
  await stream.finished;
}

/** A safe content type for a file, by its first bytes and, for images, its name. */
export function contentType(path: string, start: Buffer): string {
  const image = imageTypes[/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? ""];
  if (image) return image;
  return start.subarray(0, sniffBytes).includes(0) ? "application/octet-stream" : "text/plain; charset=utf-8";
}
