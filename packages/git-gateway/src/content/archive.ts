import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { resolveCommit, streamGit } from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";
import { isImmutable, notModified, revisionOf } from "./answer.ts";
import { attachment } from "./content-type.ts";
import { repositoryPath, textPath } from "./repository-path.ts";
import type { ContentRequest } from "./serve.ts";

const timeoutMs = 30 * 60_000;
const maxPrefixBytes = 255;

const formats = {
  "tar.gz": { type: "application/gzip", git: "tar" },
  tar: { type: "application/x-tar", git: "tar" },
  zip: { type: "application/zip", git: "zip" },
} as const;

/**
 * All files of a revision, streamed. `format` is tar.gz (default), tar or zip; `prefix` the folder they get (default
 * `<repository>-<rev>`, empty for none); `path` limits it to one file or folder. Attributes `export-ignore` and `export-subst` of the
 * revision hold. The same commit gives the same bytes.
 */
export async function serveArchive(request: ContentRequest): Promise<void> {
  const rev = revisionOf(request);
  const { query, response, repository, reader, signal } = request;
  const format = query.get("format") || "tar.gz";
  if (!isFormat(format))
    throw new GatewayError(
      400,
      `format must be ${Object.keys(formats).join(", ")}, not ${JSON.stringify(format.slice(0, 40))}`,
    );
  const path = textPath(request.path);
  const prefix = prefixOf(request, rev);
  const commitSha = await resolveCommit(rev, reader);
  if (path !== "" && !(await request.trees.find(reader, commitSha, request.path)))
    throw new GatewayError(404, `path ${JSON.stringify(path)} does not exist at this revision`);
  const key = Buffer.from(JSON.stringify([format, prefix, path])).toString("base64url");
  if (notModified(request, `"${commitSha}-${key}"`, { immutable: isImmutable(rev) })) return;
  response.setHeader("content-type", formats[format].type);
  response.setHeader("content-disposition", attachment(`${repository.identity.name}-${flat(rev)}.${format}`));
  response.setHeader("x-krate-commit", commitSha);
  if (request.request.method === "HEAD") {
    response.end();
    return;
  }
  const stream = streamGit(
    [
      "archive",
      `--format=${formats[format].git}`,
      ...(prefix === "" ? [] : [`--prefix=${prefix}/`]),
      commitSha,
      "--",
      ...(path === "" ? [] : [`:(literal)${path}`]),
    ],
    { gitDir: repository.gitDir, signal, timeoutMs },
  );
  // Compressed here: git would start a program from its configuration.
  if (format === "tar.gz") await pipeline(stream.stdout, createGzip(), response);
  else await pipeline(stream.stdout, response);
  await stream.finished;
}

function isFormat(text: string): text is keyof typeof formats {
  return Object.hasOwn(formats, text);
}

/** One component: whoever unpacks must find one folder, below where they are. */
function prefixOf({ query, repository }: ContentRequest, rev: string): string {
  const given = query.get("prefix");
  if (given === null) return `${repository.identity.name}-${flat(rev)}`;
  const text = given.replace(/\/+$/, "");
  if (text === "") return "";
  const parts = text.split("/");
  const isBad =
    text.startsWith("/") || /[\p{Cc}\\:]/u.test(text) || parts.some((part) => /^\.{0,2}$|^\.git$/i.test(part));
  if (isBad || Buffer.byteLength(text) > maxPrefixBytes)
    throw new GatewayError(
      400,
      "prefix must be a relative path such as shop-1.0, without . and .. and of at most 255 bytes",
    );
  return repositoryPath(Buffer.from(text)).text;
}

/** A revision as part of a file name. */
function flat(rev: string): string {
  return rev
    .replace(/^refs\/(?:heads|tags)\//, "")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+|[.]+$/g, "")
    .slice(0, 100);
}
