/** Test only: a bare repository whose branches are set to given files. */
import { gitText, runGit } from "@krate/git";
import type { BranchTip } from "../engine/code-search.ts";

export type Files = Readonly<Record<string, string | Buffer>>;

export class GitRepository {
  readonly gitDir: string;

  constructor(gitDir: string) {
    this.gitDir = gitDir;
  }

  static async create(gitDir: string): Promise<GitRepository> {
    await runGit(["init", "--quiet", "--bare", "--initial-branch=main", gitDir]);
    return new GitRepository(gitDir);
  }

  /** Makes the branch one commit that has exactly these files. */
  async write(branch: string, files: Files): Promise<BranchTip> {
    const parts: (string | Buffer)[] = [];
    parts.push(
      `commit refs/heads/${branch}\ncommitter Test <test@example.org> 1700000000 +0000\ndata 4\ntest\ndeleteall\n`,
    );
    for (const [path, content] of Object.entries(files)) {
      const bytes = Buffer.from(content);
      parts.push(`M 100644 inline "${path.replace(/[\\"]/g, "\\$&")}"\ndata ${bytes.length}\n`, bytes, "\n");
    }
    const stdin = Buffer.concat(parts.map((part) => Buffer.from(part)));
    await runGit(["fast-import", "--quiet", "--force"], { gitDir: this.gitDir, stdin });
    return { name: branch, commit: await gitText(["rev-parse", `refs/heads/${branch}`], { gitDir: this.gitDir }) };
  }
}
