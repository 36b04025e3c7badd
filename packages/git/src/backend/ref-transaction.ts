import { type ChildProcess, spawn } from "node:child_process";
import { gitEnvironment } from "../process/environment.ts";
import { GitError } from "../process/git-error.ts";
import { isZeroObjectId, zeroObjectId } from "../wire/object-id.ts";
import type { RefFailure, RefTransaction, RefUpdate, RefUpdateResult } from "./git-backend.ts";

/** What a client is told whose expected old value does not hold. */
export const movedMessage = "the ref has been moved by somebody else meanwhile; fetch and try again";

/** Longest a transaction may stay open, prepared or not, in milliseconds; afterwards git is killed and its locks go. */
const maxTransactionMs = 30_000;

/**
 * A transaction of `git update-ref --stdin -z`, which speaks (git-update-ref(1)):
 *
 *   start → "start: ok", create|update|delete ..., prepare → "prepare: ok" (locks held), commit → "commit: ok"
 *
 * State: idle → preparing → prepared → committed | aborted. A failed prepare ends the process, which releases the locks;
 * so does closing its input, which is why a killed server leaves no lock behind as long as git itself may end.
 */
export function beginNativeRefTransaction(
  gitDir: string,
  updates: readonly RefUpdate[],
  reason = "push",
): RefTransaction {
  // Started at once: the process comes up while the caller makes its journal durable.
  let dialogue: UpdateRefDialogue | undefined = new UpdateRefDialogue(gitDir, reason);
  return {
    async prepare(): Promise<RefUpdateResult[]> {
      if (!dialogue) throw new Error("a ref transaction is prepared once");
      try {
        await dialogue.say("start\0", "start: ok");
        await dialogue.say(`${updates.map(formatUpdate).join("")}prepare\0`, "prepare: ok");
        return updates.map(({ ref }) => ({ ref, ok: true }));
      } catch (error) {
        const failed = dialogue;
        dialogue = undefined;
        await failed.end();
        if (!(error instanceof GitError) || error.failure !== "exit") throw error;
        return failures(updates, error.stderr);
      }
    },
    async commit() {
      if (!dialogue) throw new Error("a ref transaction must be prepared before it is committed");
      await dialogue.say("commit\0", "commit: ok");
      await dialogue.end();
      dialogue = undefined;
    },
    async abort() {
      await dialogue?.end();
      dialogue = undefined;
    },
  };
}

function formatUpdate({ ref, newId, expectedOldId }: RefUpdate): string {
  if (isZeroObjectId(newId)) return `delete ${ref}\0${expectedOldId}\0`;
  if (isZeroObjectId(expectedOldId)) return `create ${ref}\0${newId}\0`;
  return `update ${ref}\0${newId}\0${expectedOldId || zeroObjectId}\0`;
}

/** git names the ref it could not lock; the others of the transaction fail with it. */
function failures(updates: readonly RefUpdate[], stderr: string): RefUpdateResult[] {
  const guilty = updates.find(({ ref }) => stderr.includes(`'${ref}'`));
  return updates.map(({ ref }) =>
    guilty && guilty.ref !== ref
      ? { ref, ok: false, failure: "sibling", message: `not moved because "${guilty.ref}" failed` }
      : { ref, ok: false, ...diagnose(stderr) },
  );
}

function diagnose(stderr: string): { failure: RefFailure; message: string } {
  if (/but expected|reference already exists|unable to resolve reference/.test(stderr))
    return { failure: "moved", message: movedMessage };
  const conflict = /'([^']+)' exists; cannot create/.exec(stderr);
  if (conflict) return { failure: "conflict", message: `conflicts with the existing ref "${conflict[1]}"` };
  if (/cannot process '[^']+' and '[^']+' at the same time/.test(stderr)) {
    return { failure: "conflict", message: "conflicts with another ref of the same push" };
  }
  if (/Unable to create .*File exists/.test(stderr))
    return { failure: "locked", message: "the ref is locked by another update; try again" };
  const first = stderr
    .replace(/^fatal: /, "")
    .split("\n")[0]
    ?.trim();
  return { failure: "other", message: first || "the ref could not be locked" };
}

class UpdateRefDialogue {
  readonly #child: ChildProcess;
  readonly #closed: Promise<number>;
  readonly #timer: NodeJS.Timeout;
  #stdout = "";
  #stderr = "";
  #timedOut = false;
  #wake: () => void = () => undefined;

  constructor(gitDir: string, reason: string) {
    this.#child = spawn("git", ["update-ref", "-m", reason, "--stdin", "-z"], {
      env: gitEnvironment({
        gitDir,
        config: { "core.filesRefLockTimeout": "2000", "core.packedRefsTimeout": "5000" },
        env: { GIT_COMMITTER_NAME: "krate", GIT_COMMITTER_EMAIL: "krate@localhost" },
      }),
      cwd: gitDir,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    this.#child.stdin?.on("error", () => undefined);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      this.#wake();
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.#closed = new Promise((resolve) => {
      this.#child.once("error", () => resolve(-1));
      this.#child.once("close", (code) => resolve(code ?? -1));
    });
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#child.kill("SIGTERM");
    }, maxTransactionMs);
  }

  async say(commands: string, expected: string): Promise<void> {
    this.#child.stdin?.write(commands);
    while (!this.#stdout.includes(`${expected}\n`)) {
      const ended = await Promise.race([
        this.#closed,
        new Promise<undefined>((resolve) => {
          this.#wake = () => resolve(undefined);
        }),
      ]);
      if (ended === undefined || this.#stdout.includes(`${expected}\n`)) continue;
      throw new GitError("update-ref", {
        failure: this.#timedOut ? "timeout" : "exit",
        exitCode: ended,
        stderr: this.#stderr,
      });
    }
  }

  /** Closes the input: an open transaction is rolled back by git itself. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#closed;
    clearTimeout(this.#timer);
  }
}
