import { type BackendRepository, formatServiceHeader, type GitStream, streamGit } from "@krate/git";
import { hiddenRefPrefix } from "../receive-pack/advertise.ts";

export interface UploadPackOptions {
  /** Value of the Git-Protocol header; only version=1 and version=2 reach git. */
  protocol?: string;
  signal?: AbortSignal;
  /** Longest a fetch may take, in milliseconds. */
  timeoutMs: number;
}

const config: Record<string, string> = {
  "transfer.hideRefs": hiddenRefPrefix,
  // Partial clone. Any object may be asked for by id, as protocol v2 always has it: CI checks out commits that a force-push left behind.
  "uploadpack.allowFilter": "true",
  "uploadpack.allowAnySHA1InWant": "true",
  "uploadpack.keepAlive": "5",
  "lsrefs.unborn": "advertise",
  // Bitmaps and the commit-graph make counting objects cheap where they exist.
  "core.commitGraph": "true",
};

/** The ref list (v0) or capability list (v2) a fetch begins with, service header included. */
export function advertiseUploadPack(
  repository: BackendRepository,
  options: UploadPackOptions,
): { header: Buffer; stream: GitStream } {
  const stream = start([...stateless, "--http-backend-info-refs"], repository, options);
  return { header: formatServiceHeader("git-upload-pack"), stream };
}

/** One stateless round of a fetch; the pack is streamed as git makes it. */
export function uploadPack(
  repository: BackendRepository,
  request: AsyncIterable<Uint8Array>,
  options: UploadPackOptions,
): GitStream {
  return start(stateless, repository, { ...options, stdin: request });
}

/** A whole fetch over a connection that stays: ref list, negotiation and pack. */
export function uploadPackSession(
  repository: BackendRepository,
  input: AsyncIterable<Uint8Array>,
  options: UploadPackOptions,
): GitStream {
  return start(["upload-pack", "--strict"], repository, { ...options, stdin: input });
}

/** `git archive --remote` over a connection that stays. */
export function uploadArchiveSession(
  repository: BackendRepository,
  input: AsyncIterable<Uint8Array>,
  options: UploadPackOptions,
): GitStream {
  return start(["upload-archive"], repository, { ...options, stdin: input });
}

const stateless = ["upload-pack", "--stateless-rpc", "--strict"];

function start(
  args: string[],
  repository: BackendRepository,
  { protocol, signal, timeoutMs, stdin }: UploadPackOptions & { stdin?: AsyncIterable<Uint8Array> },
): GitStream {
  return streamGit([...args, repository.gitDir], {
    gitDir: repository.gitDir,
    config,
    // upload-pack finds its repository by the argument; with GIT_DIR set it would be looked for twice.
    env: { GIT_DIR: undefined, GIT_PROTOCOL: protocolVersion(protocol) },
    signal,
    timeoutMs,
    stdin,
  });
}

/** Whether a fetch speaks protocol v2, whose advertisement has no service header in front of it. */
export function protocolVersion(header: string | undefined): string | undefined {
  const match = /(?:^|:)version=([12])(?:$|:)/.exec(header ?? "");
  return match ? `version=${match[1]}` : undefined;
}
