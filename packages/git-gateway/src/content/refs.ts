import { listRefs, readDefaultBranch } from "@krate/git";
import { answerJson } from "./answer.ts";
import type { ContentRequest } from "./serve.ts";

/** Most branches and most tags in one answer; GitHub advises 5,000 branches at most. */
const maxRefs = 20_000;

/** `{ defaultBranch, headSha?, branches: [{name, sha}], tags: [{name, sha, commitSha}], truncated }`, by name. */
export async function serveRefs(request: ContentRequest): Promise<void> {
  const read = { gitDir: request.repository.gitDir, signal: request.signal };
  const [defaultBranch, refs] = await Promise.all([
    readDefaultBranch(read),
    listRefs(read, ["refs/heads", "refs/tags"]),
  ]);
  const named = (prefix: string) => refs.filter(({ name }) => name.startsWith(prefix));
  const branches = named("refs/heads/").map(({ name, objectId }) => ({
    name: name.slice("refs/heads/".length),
    sha: objectId,
  }));
  const tags = named("refs/tags/").map(({ name, objectId, peeledId }) => ({
    name: name.slice("refs/tags/".length),
    sha: objectId,
    commitSha: peeledId ?? objectId,
  }));
  answerJson(request, {
    defaultBranch: defaultBranch ?? "main",
    headSha: branches.find(({ name }) => name === defaultBranch)?.sha,
    branches: branches.slice(0, maxRefs),
    tags: tags.slice(0, maxRefs),
    truncated: branches.length > maxRefs || tags.length > maxRefs,
  });
}
