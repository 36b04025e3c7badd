/** The first commit of a repository that asks for one. */
import { commitTree, gitText, zeroObjectId } from "@krate/git";
import type { GatewayPort, PushOutcome } from "../git/push.ts";
import { scratchRepository } from "../git/scratch.ts";
import { type Person, signatureOf } from "../merge/message.ts";
import type { RepositoryObject } from "./status.ts";

export interface FirstCommit {
  ref: string;
  message: string;
  /** Path → content; the root folder only. */
  files: Record<string, string>;
}

/** Undefined when the repository asks for none. */
export function planFirstCommit({ metadata, spec }: RepositoryObject): FirstCommit | undefined {
  if (spec.initialize?.readme !== true) return undefined;
  const text = [`# ${spec.displayName ?? metadata.name}`, ...(spec.description ? [spec.description] : [])].join("\n\n");
  return {
    ref: `refs/heads/${spec.defaultBranch ?? "main"}`,
    message: "Initial commit\n",
    files: { "README.md": `${text}\n` },
  };
}

/** Pushes it if the branch does not exist: whoever pushed before has won. */
export async function makeFirstCommit(
  repository: { namespace: string; name: string },
  { ref, message, files }: FirstCommit,
  { gateway, gitDir, committer, at }: { gateway: GatewayPort; gitDir: string; committer: Person; at: string },
): Promise<PushOutcome> {
  await using scratch = await scratchRepository([gitDir]);
  const { read } = scratch;
  const entries: string[] = [];
  for (const [path, content] of Object.entries(files))
    entries.push(
      `100644 blob ${await gitText(["hash-object", "-w", "--stdin"], { ...read, stdin: content })}\t${path}\n`,
    );
  const treeId = await gitText(["mktree"], { ...read, stdin: entries.join("") });
  const signature = signatureOf(committer, at);
  const commitId = await commitTree({ treeId, parents: [], message, author: signature, committer: signature }, read);
  return await gateway.push(repository, { ref, newId: commitId, expectedId: zeroObjectId }, { from: read });
}
