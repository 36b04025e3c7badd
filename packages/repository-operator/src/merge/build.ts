/** Makes the commit that a merge puts on the base, in a scratch repository. */
import {
  type Commit,
  cherryPick,
  commitTree,
  isAncestor,
  log,
  mergeTree,
  type ReadOptions,
  readCommit,
} from "@krate/git";
import {
  type MergedPullRequest,
  maxBodyLength,
  type Person,
  renderMergeMessage,
  renderRebasedMessage,
  renderSquashMessage,
  signatureOf,
} from "./message.ts";

export type MergeMethod = "merge" | "squash" | "rebase";

export interface MergeInput {
  pullRequest: MergedPullRequest;
  method: MergeMethod;
  headSha: string;
  baseSha: string;
  author: Person;
  committer: Person;
  /** ISO 8601; time of the new commits. */
  at: string;
}

export type BuiltMerge = { ok: true; commitId: string; treeId: string } | { ok: false; message: string };

/** Most commits of one merge: a rebase costs some processes for each. */
const maxRebasedCommits = 250;
const maxListedCommits = 1000;

/** The commit id, and the tree that merging head into base gives: the commit has exactly this tree. */
export async function buildMerge(input: MergeInput, read: ReadOptions): Promise<BuiltMerge> {
  const { headSha, baseSha, method } = input;
  if (await isAncestor(headSha, baseSha, read)) return failed("the base has every commit of the head already");
  const merged = await mergeTree(baseSha, headSha, read);
  if (!merged.clean) return failed(`head and base conflict in ${merged.conflicts.sort().slice(0, 10).join(", ")}`);
  const { treeId } = merged;
  const built = await builders[method](input, treeId, read);
  if (!built.ok) return built;
  const landed = await readCommit(built.commitId, read);
  if (landed.treeId === treeId) return { ...built, treeId };
  return failed(`method ${method} gives other content than merging head into base does; use another method`);
}

type Builder = (
  input: MergeInput,
  treeId: string,
  read: ReadOptions,
) => Promise<{ ok: true; commitId: string } | { ok: false; message: string }>;

const builders: Record<MergeMethod, Builder> = {
  async merge({ pullRequest, headSha, baseSha, author, committer, at }, treeId, read) {
    const commit = {
      treeId,
      parents: [baseSha, headSha],
      message: renderMergeMessage(pullRequest),
      author: signatureOf(author, at),
      committer: signatureOf(committer, at),
    };
    return { ok: true, commitId: await commitTree(commit, read) };
  },

  async squash({ pullRequest, headSha, baseSha, author, committer, at }, treeId, read) {
    const commits = await newCommits({ headSha, baseSha, limit: maxListedCommits }, read);
    const message = renderSquashMessage(pullRequest, {
      author,
      authors: commits.map((commit) => commit.author),
      subjects: commits.map(({ subject }) => subject),
    });
    const commit = {
      treeId,
      parents: [baseSha],
      message,
      author: signatureOf(author, at),
      committer: signatureOf(committer, at),
    };
    return { ok: true, commitId: await commitTree(commit, read) };
  },

  async rebase({ pullRequest, headSha, baseSha, committer, at }, _treeId, read) {
    const commits = await newCommits({ headSha, baseSha, limit: maxRebasedCommits + 1 }, read);
    if (commits.length > maxRebasedCommits)
      return failed(`more than ${maxRebasedCommits} commits cannot be rebased; use merge or squash`);
    const merge = commits.find(({ parents }) => parents.length > 1);
    if (merge) return failed(`commit ${merge.id.slice(0, 12)} is a merge and cannot be rebased; use merge or squash`);
    const long = commits.find(({ message }) => message.length > maxBodyLength);
    if (long) return failed(`the message of commit ${long.id.slice(0, 12)} is too long; use merge or squash`);
    return rebase({ commits, onto: baseSha, pullRequest, committer: signatureOf(committer, at) }, read);
  },
};

async function rebase(
  options: {
    commits: readonly Commit[];
    onto: string;
    pullRequest: MergedPullRequest;
    committer: ReturnType<typeof signatureOf>;
  },
  read: ReadOptions,
): Promise<{ ok: true; commitId: string } | { ok: false; message: string }> {
  const { commits, pullRequest, committer } = options;
  const picked: { treeId: string; commit: Commit }[] = [];
  let tip = options.onto;
  for (const commit of commits) {
    const result = await cherryPick(commit.id, tip, committer, read);
    if (!result.clean)
      return failed(
        `commit ${commit.id.slice(0, 12)} "${commit.subject}" conflicts in ${result.conflicts.sort().slice(0, 10).join(", ")}`,
      );
    if (result.commitId === tip) continue; // its change is on the base already
    tip = result.commitId;
    picked.push({ treeId: (await readCommit(tip, read)).treeId, commit });
  }
  if (picked.length === 0) return failed("the base has every change of the head already");
  // Once more with the messages they are to carry: ids depend on them.
  let parent = options.onto;
  for (const [index, { treeId, commit }] of picked.entries()) {
    const message = renderRebasedMessage(commit.message, index === picked.length - 1 ? pullRequest : undefined);
    parent = await commitTree({ treeId, parents: [parent], message, author: commit.author, committer }, read);
  }
  return { ok: true, commitId: parent };
}

/** Commits of the head that the base lacks, oldest first. */
async function newCommits(
  { headSha, baseSha, limit }: { headSha: string; baseSha: string; limit: number },
  read: ReadOptions,
): Promise<Commit[]> {
  return log({ include: [headSha], exclude: [baseSha], limit, oldestFirst: true }, read);
}

function failed(message: string): { ok: false; message: string } {
  return { ok: false, message };
}
