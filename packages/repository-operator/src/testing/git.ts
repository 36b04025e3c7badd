/** Test only: the git a user runs, and bare repositories with some history. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const env = {
  PATH: process.env.PATH,
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.org",
  LC_ALL: "C",
};

/** Standard output of git without its final newline. @throws with what git complained about */
export function git(cwd: string, args: string[], extra: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("git", args, { cwd, env: { ...env, ...extra } }, (error, stdout, stderr) => {
      if (error) reject(new Error(`git ${args[0]} failed: ${stderr}`, { cause: Object.assign(error, { stdout }) }));
      else resolve(stdout.trimEnd());
    });
  });
}

export class WorkTree {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** A work tree on branch main with one commit. */
  static async create(path: string): Promise<WorkTree> {
    await git("/", ["init", "-q", "-b", "main", path]);
    const tree = new WorkTree(path);
    await tree.commit("first", { "README.md": "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n" });
    return tree;
  }

  git(...args: string[]): Promise<string> {
    return git(this.path, args);
  }

  /** Writes the files (null = delete) and commits them. Answers the commit id. */
  async commit(message: string, files: Record<string, string | null>, author?: string): Promise<string> {
    for (const [name, content] of Object.entries(files)) {
      if (content === null) await this.git("rm", "-q", name);
      else {
        await mkdir(dirname(join(this.path, name)), { recursive: true });
        await writeFile(join(this.path, name), content);
      }
    }
    await this.git("add", "-A");
    await this.git("commit", "-q", "--allow-empty", "-m", message, ...(author ? [`--author=${author}`] : []));
    return this.git("rev-parse", "HEAD");
  }

  /** Starts a branch at `from`. */
  async branch(name: string, from = "main"): Promise<void> {
    await this.git("checkout", "-q", "-b", name, from);
  }

  async checkout(name: string): Promise<void> {
    await this.git("checkout", "-q", name);
  }
}
