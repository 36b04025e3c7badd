/** New contents of the files that suggestions are about, in the head as it is now. */
import { findEntry, UnknownRevisionError } from "@krate/git";
import type { ObjectOf, ReviewComment } from "@krate/kinds";
import type { OperatorPorts } from "../ports.ts";
import { type Anchors, anchorOf, repositoryWith } from "../pull-request/anchors.ts";
import type { LocatedPullRequest } from "../pull-request/locate.ts";
import { applyEdits, type Edit } from "./edit.ts";

export type NotApplicableReason =
  | "Outdated"
  | "Overlapping"
  | "NotASuggestion"
  | "NoChange"
  | "Forbidden"
  | "BranchProtected"
  | "PushRefused"
  | "NotOpen"
  | "HeadMissing";

/** Why a suggestion is not committed; nothing but a new request changes that. */
export class NotApplicableError extends Error {
  override readonly name = "NotApplicableError";
  readonly reason: NotApplicableReason;
  constructor(reason: NotApplicableReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

const maxFileBytes = 4 * 1024 * 1024;

/** @throws {NotApplicableError} when lines are not there any more, overlap, or would stay as they are. */
export async function editFiles(
  comments: readonly ObjectOf<typeof ReviewComment>[],
  { headSha, located }: { headSha: string; located: LocatedPullRequest },
  { ports, anchors }: { ports: OperatorPorts; anchors: Anchors },
): Promise<Map<string, Buffer>> {
  const edits = new Map<string, { gitDir: string; edits: Edit[] }>();
  for (const comment of comments) {
    const name = comment.metadata.name ?? "";
    const gitDir = await repositoryWith([comment.spec.commitSha, headSha], located, ports);
    const place = gitDir === undefined ? undefined : await anchors.find(anchorOf(comment), headSha, gitDir);
    if (gitDir === undefined || !place)
      throw new NotApplicableError(
        "Outdated",
        `the lines of comment "${name}" have changed since: edit the file instead`,
      );
    if (!place.lines) throw new NotApplicableError("NotASuggestion", `comment "${name}" is about no lines`);
    const file = edits.get(place.path) ?? { gitDir, edits: [] };
    file.edits.push({ ...place.lines, text: comment.spec.suggestion?.text ?? "" });
    edits.set(place.path, file);
  }
  const files = new Map<string, Buffer>();
  for (const [path, { gitDir, edits: ofFile }] of edits) {
    const content = await contentOf(path, { headSha, gitDir }, ports);
    const edited = applyEdits(content, ofFile);
    if (!edited.ok) throw new NotApplicableError(edited.reason, `${path}: ${edited.message}`);
    if (!edited.content.equals(content)) files.set(path, edited.content);
  }
  if (files.size === 0) throw new NotApplicableError("NoChange", "the lines are as suggested already");
  return files;
}

async function contentOf(
  path: string,
  { headSha, gitDir }: { headSha: string; gitDir: string },
  { branches }: OperatorPorts,
): Promise<Buffer> {
  try {
    const { kind, objectId } = await findEntry(headSha, path, { gitDir });
    const content =
      kind === "file" || kind === "executable" ? await branches.content(gitDir, objectId, maxFileBytes) : undefined;
    if (content) return content;
  } catch (error) {
    if (!(error instanceof UnknownRevisionError)) throw error;
  }
  throw new NotApplicableError("NotASuggestion", `${path} is no file of at most ${maxFileBytes} bytes`);
}
